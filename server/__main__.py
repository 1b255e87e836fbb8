"""`python -m server`: the server's commands alone, as the processes that a server starts use them."""

from server.commands import app

if __name__ == "__main__":
    app()
