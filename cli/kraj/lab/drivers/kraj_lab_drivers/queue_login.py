"""Signs in to a message queue: `python -m kraj_lab_drivers.queue_login`.

The arguments of the connection come as JSON on standard input, because anybody may read a process's
command line. Declares a queue that ends with the connection: an account that may sign in but not
declare is refused here, and not by twenty services that try for ever.
"""

from __future__ import annotations

import json
import sys

import amqp

TIMEOUT_SECONDS = 10.0


def main() -> None:
    arguments = json.load(sys.stdin)
    try:
        with amqp.Connection(connect_timeout=TIMEOUT_SECONDS, **arguments) as connection:
            connection.channel().queue_declare(exclusive=True)
    except (OSError, amqp.AMQPError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
