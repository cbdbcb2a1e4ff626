"""Error codes of moving stacks between engines: KRJ340 to KRJ349."""

from kraj.errors import error_code

STEPS_LEFT_OPEN = error_code(
    "KRJ340",
    "Steps of a stack were left open",
    "A run was cut off, and the state has steps of which nobody saw the end. Only the engine that "
    "began them knows how to find out what came of them.",
    "Run `kraj refresh` with the engine that the region has now: it settles them. Then run the "
    "same command again.",
)
ENGINES_DIFFER = error_code(
    "KRJ341",
    "The other engine would change something",
    "With the same files, the same state and the cloud as it is, the other engine's plan is not "
    "empty. The stack stays with the engine that it has; its state is as it was.",
    "Where the engine that it has would change the same, apply that first: `kraj up --refresh`. "
    "Else please report the properties that the message names.",
)
TWO_STATES = error_code(
    "KRJ342",
    "The stack has two states",
    "Both engines have a state of this stack, in different places, and they are not of the same "
    "resources. kraj does not guess which one is right, and overwrites neither.",
    "Look at both (`pulumi stack export`), and remove the one that is wrong.",
)
STATE_ELSEWHERE = error_code(
    "KRJ343",
    "The region's states are elsewhere",
    "`kraj engine switch` has moved the region's states to the engine `pulumi`, to another place "
    "than this command would look at. Going on would make everything a second time.",
    "Set PULUMI_BACKEND_URL to the place in the message, or take the region back with "
    "`kraj engine switch local`.",
)
SWITCH_UNFINISHED = error_code(
    "KRJ344",
    "A switch of engines is not finished",
    "Some of the region's states are with one engine and some with the other, in different places.",
    "Run the `kraj engine switch` of the message again: it goes on where it stopped.",
)
BACKUP_NOT_WRITTEN = error_code(
    "KRJ345",
    "The backup cannot be written",
    "Before a state is moved it is kept as a file, and that file could not be written. Nothing was "
    "moved.",
    "Make room or mend the permissions of the folder in the message.",
)
WHOLE_REGION = error_code(
    "KRJ346",
    "The region moves as a whole",
    "The two engines keep their states in different places. With some stacks here and some there, "
    "no command could work on the region.",
    "Leave out `--only`.",
)
STATE_CAME_BACK_OTHERWISE = error_code(
    "KRJ347",
    "A state came back otherwise",
    "A stack's state that went to the other engine and back is not the one that went. The region's "
    "own state was not touched.",
    "Do not switch this stack's engine. Please report the places that the message names.",
)
UNKNOWN_FEATURE = error_code(
    "KRJ348",
    "No such feature",
    "The conformance suite has no feature of that name.",
    "Take one of those in the message, or none for all of them.",
)
