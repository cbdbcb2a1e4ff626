"""Codes of the lab (KRJ5xx)."""

from kraj.errors import error_code

PORT_TAKEN = error_code(
    "KRJ501",
    "Port taken",
    "Another program listens on a port that the lab needs.",
    "Stop that program, or start the lab elsewhere: kraj lab up --port-offset 20000.",
)
SERVERS_MISSING = error_code(
    "KRJ502",
    "Database or message queue missing",
    "MariaDB, RabbitMQ or memcached is not installed and kraj may not install it.",
    "As root: apt-get install --no-install-recommends mariadb-server rabbitmq-server memcached",
)
INSTALL_FAILED = error_code(
    "KRJ503",
    "Installation failed",
    "The lab's packages could not be installed.",
    "Read the last lines of the installer in the message; check the package registry's settings.",
)
MIGRATION_FAILED = error_code(
    "KRJ504",
    "Database not prepared",
    "A service could not create its tables.",
    "Read the log named in the message; `kraj lab destroy` and `kraj lab up` start afresh.",
)
SERVICE_FAILED = error_code(
    "KRJ505",
    "Service did not start",
    "A service of the lab ended or did not answer in time.",
    "Read its last log lines above, or all of them: kraj lab logs SERVICE.",
)
UNKNOWN_SERVICE = error_code(
    "KRJ506",
    "Unknown lab service",
    "The lab has no service of that name.",
    "List them with `kraj lab status`.",
)
NOT_CREATED = error_code(
    "KRJ507", "No lab", "There is no lab in that folder.", "Start one with `kraj lab up`."
)
BUSY = error_code(
    "KRJ508",
    "Lab busy",
    "Another kraj is starting, stopping or deleting the same lab.",
    "Wait until it has finished.",
)
UNSUPPORTED = error_code(
    "KRJ509",
    "Lab not possible here",
    "The lab needs Linux and a state folder that it can own.",
    "Use a Linux machine, or a cloud of your own in clouds.yaml.",
)
BAD_SETTING = error_code(
    "KRJ510",
    "Lab setting wrong",
    "A setting of the lab cannot be used.",
    "Correct the value that the message names; docs/lab.md lists the settings.",
)
FOREIGN_FOLDER = error_code(
    "KRJ511",
    "Folder in use",
    "The lab's folder holds files that are not a lab's; kraj would delete them with the lab.",
    "Name an empty or new folder: kraj lab up --state FOLDER.",
)
SETTING_FIXED = error_code(
    "KRJ512",
    "Lab setting fixed",
    "Ports and stores are written into a lab's endpoints and tables when it is made.",
    "Leave the option out, or make the lab anew: kraj lab destroy, then kraj lab up.",
)
STORE_UNUSABLE = error_code(
    "KRJ513",
    "Your server cannot be used",
    "The database, message queue or cache that the lab was told to use does not answer or refuses.",
    "Start it, or mend the account's rights; for another server: kraj lab destroy, kraj lab up.",
)
DATABASE_EXISTS = error_code(
    "KRJ514",
    "Databases exist",
    "Databases under the lab's names are on your server already; the lab did not make them.",
    "Name another prefix in KRAJ_LAB_DATABASE_URL: mysql+pymysql://user:password@host:3306/prefix_",
)
HOSTS_IMPOSSIBLE = error_code(
    "KRJ516",
    "Servers cannot boot here",
    "The lab's depths `hosts` and `vm` make containers or virtual machines, network namespaces, "
    "mounts and loop devices; the machine does not allow one of them, or another lab of such a "
    "depth is on it.",
    "Run kraj as root, or leave the depth out: without it every call is real, but nothing boots.",
)
NO_ROOM = error_code(
    "KRJ515",
    "No room on the disk",
    "The file system of the lab's folder is full, or has less free than a lab needs.",
    "Make room, or keep the lab elsewhere: kraj lab up --state FOLDER.",
)
