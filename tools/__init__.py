"""Small programs for those who change Countinghouse; none of them is shipped."""
