package countinghouse.client;

/**
 * One thing that is wrong with a request or with a row.
 *
 * @param field its path, such as {@code accounting_details[3].debit}; empty for the request as a whole
 * @param reason stable, such as {@code AMOUNT_NOT_POSITIVE} or {@code FIN-IP-ACDE-002}
 * @param description the sentence for a person
 */
public record Violation(String field, String reason, String description) {}
