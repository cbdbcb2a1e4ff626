"""Codes of configuring servers (KRJ840 to KRJ869)."""

from kraj.errors import error_code

NO_SERVERS = error_code(
    "KRJ840",
    "No servers to configure",
    "No stack that was applied has a server that fits what was asked for.",
    "`kraj up` makes those that are planned. List those that stand: `kraj inventory --list`.",
)
PROGRAM_MISSING = error_code(
    "KRJ841",
    "Program missing",
    "Ansible or the SSH client, which servers are configured with, is not on this machine.",
    "Ansible comes with kraj (`make setup`); the SSH client: apt-get install openssh-client.",
)
UNREACHABLE = error_code(
    "KRJ842",
    "Server not reachable",
    "Ansible could not sign in to a server, or lost it; nothing more was done there.",
    "Read SSH's words in the message: the address, the key (--identity), or the way there. Then "
    "run it again.",
)
TASK_FAILED = error_code(
    "KRJ843",
    "Task failed",
    "A task of a role failed on a server; what comes after it was not done there.",
    "Read what the task says, mend the cause, and run the same command again.",
)
HOST_KEY_UNKNOWN = error_code(
    "KRJ844",
    "Host key not known",
    "Nobody can say which key the server has: its console shows none, or no longer. kraj signs in "
    "to no server that it cannot tell from another.",
    "Look whether the server boots (`openstack console log show ID`). Where the console was "
    "overwritten, read the key on the server itself (ssh-keyscan does not prove anything) and put "
    "it into the file that the message names.",
)
HOST_KEY_CHANGED = error_code(
    "KRJ845",
    "Host key changed",
    "A server shows another key than before, although it is the same server to Nova: it was "
    "rebuilt or its keys were made anew, or somebody else answers at its address.",
    "Find out who did it. Where the new key is rightful, remove the old one as the hint of the "
    "message says, and run again: the key is then read from the console.",
)
PLAYBOOK_FAILED = error_code(
    "KRJ846",
    "Playbook failed",
    "Ansible ended before its end, and not because of a server: it could not read a playbook or a "
    "role.",
    "Read Ansible's last words in the message.",
)
BAD_SECRETS_FILE = error_code(
    "KRJ847",
    "Secrets of a role not readable",
    "A role's meta/secrets.yml does not say which secrets the role needs.",
    "It holds names of variables with a description each: "
    "`records__database_password: Password of the database user`.",
)
BUSY = error_code(
    "KRJ848",
    "Servers are being configured",
    "Another kraj on this machine configures servers of the same stack.",
    "Wait until it has finished.",
)
FILES_UNUSABLE = error_code(
    "KRJ849",
    "Files of a configuration not usable",
    "The known keys of a region's servers, or the folder of a run, cannot be read or written.",
    "Look at the path in the message: its owner, its permissions, the room on the disk.",
)
