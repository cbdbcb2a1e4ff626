"""Error codes of the engine over Pulumi's command line: KRJ350 to KRJ379.

What both engines have in common (a locked stack, a failed program or resource, a wrong passphrase)
has one code for both, in `kraj.engine.errors`.
"""

from kraj.errors import error_code

CLI_UNUSABLE = error_code(
    "KRJ350",
    "The pulumi command cannot be used",
    "There is a `pulumi` command, but it does not run or is too old.",
    "Install the tested version with `kraj engine install`, or use `--engine local`.",
)
PLUGIN_MISSING = error_code(
    "KRJ351",
    "A Pulumi plugin is missing",
    "The `pulumi` command needs a plugin that is not installed and that it could not download.",
    "Run `kraj engine install`, without internet with `--mirror` (docs/engines.md).",
)
DOWNLOAD_FAILED = error_code(
    "KRJ352",
    "The download failed",
    "Pulumi's command line or its plugin could not be downloaded.",
    "Check the connection and the proxy (HTTPS_PROXY). Without internet, put the files on a "
    "server of your own and name it with `--mirror`, or use `--engine local`.",
)
CHECKSUM_WRONG = error_code(
    "KRJ353",
    "The checksum is wrong or missing",
    "A downloaded file is not the one that the list of checksums beside it names; nothing was "
    "installed.",
    "Download again. On a mirror, copy the file anew and remake SHA256SUMS from a trusted copy.",
)
INSTALL_FAILED = error_code(
    "KRJ354",
    "Pulumi cannot be installed",
    "The files are there and whole, but they cannot be installed on this machine.",
    "Mend what the message names, for example the permissions of the folder.",
)
COMMAND_FAILED = error_code(
    "KRJ355",
    "The pulumi command failed",
    "The `pulumi` command ended with an error that kraj does not know more about.",
    "Read the causes: they are the command's own words.",
)
BACKEND_FAILED = error_code(
    "KRJ356",
    "The state backend cannot be used",
    "The `pulumi` command cannot open the place where the state is kept.",
    "Check PULUMI_BACKEND_URL and what it needs to log in, or unset it to keep the state in files.",
)
WORK_FOLDER_FAILED = error_code(
    "KRJ357",
    "The work folder cannot be written",
    "The files that the `pulumi` command needs for a stack are kept in a folder beside the state.",
    "Make room or mend the permissions of the folder in the message.",
)
CONFIG_TOO_LARGE = error_code(
    "KRJ358",
    "The stack's configuration is too large",
    "The `pulumi` command hands the configuration to the program in one environment variable, "
    "which on Linux has at most 128 KiB.",
    "Use `--engine local`, which has no such limit.",
)
