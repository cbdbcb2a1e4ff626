"""What Pulumi programs in Python can use, each with a program and the story it is run through.

This list is the table docs/engine-conformance.md. A feature's program is `programs/<key>.py`; it
is run once per stage on both engines. Where the local engine differs, `differs` explains every
difference: a test refuses both unexplained differences and explanations of none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kraj.engine.pulumi_cli import CLI_VERSION


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of the program, as stage 1, 2, … of its feature's story."""

    action: str = "up"  #: up, refresh, destroy
    planned: bool = True  #: whether it is previewed before
    refresh: bool = False
    stack: str = "one"
    config: Mapping[str, str] = field(default_factory=dict)
    #: Words that the error of either engine has to contain.
    error_words: Sequence[str] = ()
    #: What somebody changes in the cloud before: new content by id, None removes.
    by_hand: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Feature:
    """One line of the table."""

    key: str  #: also the name of its program
    title: str  #: as a user would look for it; Markdown
    group: str
    stages: Sequence[Stage]
    config: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    #: Explanation → patterns of the places where the local engine differs.
    differs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: What the table says of Pulumi's engine.
    pulumi: str = "does it"


UP = Stage()
DOWN = Stage("destroy", planned=False)
OPTIONS = "Resource options"
VALUES = "Values and outputs"
RESOURCES = "Resources"
PROGRAM = "The program and its surroundings"
ENGINE = "What the engine does"
GROUPS = (OPTIONS, RESOURCES, VALUES, PROGRAM, ENGINE)

#: Explanations that several features share.
REHEARSED = (
    "What a plan finds wrong ends a run before its first step; Pulumi's run does what comes before."
)
IN_A_PLAN = "A plan that fails tells at which step."

FEATURES: tuple[Feature, ...] = (
    Feature("parent", "`parent`", OPTIONS, (UP, UP, DOWN)),
    Feature("depends_on", "`depends_on`", OPTIONS, (UP, UP, DOWN)),
    Feature(
        "protect",
        "`protect`",
        OPTIONS,
        (
            UP,
            Stage(error_words=("child",)),
            Stage(error_words=("guarded",)),
            UP,
            DOWN,
        ),
        differs={IN_A_PLAN: ["stage 3 › plan › events"], REHEARSED: ["stage 2 › run › events"]},
    ),
    Feature(
        "protect_destroy",
        "`protect` when all is destroyed",
        OPTIONS,
        (UP, Stage("destroy", error_words=("guarded",))),
        differs={
            "It refuses before anything is deleted; Pulumi's deletes what is not protected.": [
                "stage 2 › (plan|run|state|calls|cloud)"
            ]
        },
    ),
    Feature("retain_on_delete", "`retain_on_delete`", OPTIONS, (UP, UP, UP, DOWN)),
    Feature("delete_before_replace", "`delete_before_replace`", OPTIONS, (UP, UP, UP, DOWN)),
    Feature("replace_on_changes", "`replace_on_changes`", OPTIONS, (UP, UP, UP, DOWN)),
    Feature("ignore_changes", "`ignore_changes`", OPTIONS, (UP, UP, UP, DOWN)),
    Feature(
        "additional_secret_outputs", "`additional_secret_outputs`", OPTIONS, (UP, UP, UP, DOWN)
    ),
    Feature("aliases", "`aliases`", OPTIONS, (UP, UP, UP, DOWN)),
    Feature("aliases_of_parents", "`aliases` of a parent", OPTIONS, (UP, UP, DOWN)),
    Feature(
        "import_",
        "`import_`",
        OPTIONS,
        (UP, UP, Stage(error_words=("nowhere",)), DOWN),
        before={"found-1": {"text": "was here"}, "other-1": {"text": "was here too"}},
    ),
    Feature("custom_timeouts", "`custom_timeouts`", OPTIONS, (UP, UP, DOWN)),
    Feature("providers", "`provider`, `providers`", OPTIONS, (UP, UP, UP, DOWN)),
    Feature("version", "`version`", OPTIONS, (UP, UP, DOWN)),
    Feature("deleted_with", "`deleted_with`", OPTIONS, (UP, UP, UP, DOWN)),
    Feature("hooks", "`hooks` (resource hooks)", OPTIONS, (UP, UP, DOWN)),
    Feature("error_hooks", "`hooks` (error hooks)", OPTIONS, (UP,)),
    Feature("transforms", "`transforms`", OPTIONS, (UP, UP, DOWN)),
    Feature("transformations", "`transformations`", OPTIONS, (UP, UP, DOWN)),
    Feature("replace_with", "`replace_with`", OPTIONS, (UP, UP, DOWN)),
    Feature("replacement_trigger", "`replacement_trigger`", OPTIONS, (UP, UP, UP, DOWN)),
    Feature("hide_diffs", "`hide_diffs`", OPTIONS, (UP, UP, DOWN)),
    Feature("env_var_mappings", "`env_var_mappings`", OPTIONS, (UP, DOWN)),
    Feature("plugin_download_url", "`plugin_download_url`", OPTIONS, (UP, UP, DOWN)),
    Feature(
        "state_migrations",
        "`state_migrations`",
        OPTIONS,
        (Stage(error_words=("state migrations",)),),
        pulumi=f"refused by {CLI_VERSION}",
    ),
    Feature(
        "read",
        "`id`, `get` (ReadResource)",
        OPTIONS,
        (UP, UP, Stage(error_words=("nowhere",)), DOWN),
        before={"found-1": {"text": "was here"}},
        differs={REHEARSED: ["stage 3 › run"]},
    ),
    Feature("urn", "`urn` (a resource by its URN)", OPTIONS, (UP, DOWN)),
    Feature(
        "lifecycle",
        "create, update, replace, delete, no change",
        RESOURCES,
        (UP, UP, UP, UP, Stage("destroy")),
    ),
    Feature(
        "components",
        "components and `register_outputs`",
        RESOURCES,
        (UP, UP, DOWN),
        differs={
            "It also tells which inputs of a component changed.": ["group › changed$"],
        },
    ),
    Feature(
        "remote_components",
        "components of plugins",
        RESOURCES,
        (Stage(error_words=("remote",)),),
        pulumi="does it with plugins that have any",
    ),
    Feature("methods", "methods of resources (`call`)", RESOURCES, (UP,)),
    Feature("dynamic_providers", "dynamic providers", RESOURCES, (UP, DOWN)),
    Feature("stash", "`Stash`", RESOURCES, (UP, UP, DOWN)),
    Feature(
        "duplicates",
        "two resources of one name",
        RESOURCES,
        (Stage(error_words=("same",)),),
        differs={REHEARSED: ["run", "state", "calls", "cloud"]},
    ),
    Feature(
        "stack_references",
        "`StackReference`",
        RESOURCES,
        (Stage(stack="base"), UP, UP, Stage(error_words=("nowhere",)), DOWN),
        differs={REHEARSED: ["stage 4 › run"]},
    ),
    Feature("outputs", "`Output.all`, `apply`, `concat`, `format`, JSON", VALUES, (UP, UP, DOWN)),
    Feature("secrets", "`Output.secret`, `unsecret`, `is_secret`", VALUES, (UP, UP, DOWN)),
    Feature("values", "null, numbers, lists, objects, Unicode", VALUES, (UP, UP, DOWN)),
    Feature("deferred", "`deferred_output`, `recover`", VALUES, (UP, UP, DOWN)),
    Feature("resources_as_values", "resources as values", VALUES, (UP, UP, DOWN)),
    Feature("assets", "assets", VALUES, (UP, DOWN)),
    Feature("archives", "archives", VALUES, (UP, DOWN)),
    Feature(
        "config",
        "configuration, plain and secret",
        PROGRAM,
        (
            Stage(config={"suite:number": "3", "suite:object": '{"a":[1,true]}'}),
            Stage(error_words=("suite:absent",)),
        ),
    ),
    Feature(
        "disable_default_providers",
        "`pulumi:disable-default-providers`",
        PROGRAM,
        (Stage(), Stage(error_words=("conform",))),
        config={"pulumi:disable-default-providers": '["conform"]'},
    ),
    Feature("invoke", "functions (`invoke`, `invoke_output`)", PROGRAM, (UP, UP, DOWN)),
    Feature(
        "invoke_errors",
        "functions that fail",
        PROGRAM,
        (UP, Stage(error_words=("no such function",)), Stage(error_words=("is negative",))),
    ),
    Feature("invoke_transforms", "transforms of functions", PROGRAM, (UP,)),
    Feature("stack_transforms", "transforms of the stack", PROGRAM, (UP,)),
    Feature("log", "`log` and printed lines", PROGRAM, (UP,)),
    Feature(
        "log_error",
        "`log.error`",
        PROGRAM,
        (UP,),
        differs={
            "A program that reports an error has failed, and nothing is touched; Pulumi's engine "
            "shows the error and goes on.": ["."]
        },
    ),
    Feature(
        "names", "`get_stack`, `get_project`, `get_organization`, `is_dry_run`", PROGRAM, (UP,)
    ),
    Feature(
        "root_directory",
        "`get_root_directory`",
        PROGRAM,
        (UP,),
        differs={
            "It is the program's folder; for Pulumi's command, kraj has the project file in a "
            "folder of its own.": ["outputs › program$"]
        },
    ),
    Feature(
        "require_version",
        "`require_pulumi_version`",
        PROGRAM,
        (UP, Stage(error_words=("99.0.0",))),
    ),
    Feature(
        "exists",
        "`exists_resource`",
        PROGRAM,
        (Stage(error_words=("ExistsResource",)),),
        before={"found-1": {"text": "was here"}},
        pulumi=f"refused by {CLI_VERSION}",
    ),
    Feature(
        "run_time_errors",
        "run-time errors of the program",
        PROGRAM,
        (
            Stage(error_words=("KeyError", "missing")),
            Stage(error_words=("plain words",)),
            Stage(error_words=("in an apply",)),
            Stage(planned=False),
        ),
        differs={REHEARSED: ["stage [123] › (run|state)", "stage 4 › run"]},
    ),
    Feature("packages", "parameterised packages", PROGRAM, (UP,)),
    Feature(
        "failures",
        "a resource that fails; the next run continues",
        ENGINE,
        (
            Stage(error_words=("will not create bad",)),
            UP,
            Stage(error_words=("will not update bad",)),
            UP,
            Stage("destroy", planned=False, error_words=("will not delete bad",)),
        ),
    ),
    Feature(
        "unready",
        "a resource that exists but did not become ready",
        ENGINE,
        (Stage(error_words=("never became ready",)), UP, DOWN),
        differs={
            "It reads the resource again before it finishes it: it may have become ready since.": [
                "stage 2 › (plan|run) › events"
            ]
        },
    ),
    Feature(
        "invalid",
        "inputs that a provider refuses",
        ENGINE,
        (Stage(error_words=("is negative",)),),
        differs={IN_A_PLAN: ["plan › events"], REHEARSED: ["run", "state", "calls", "cloud"]},
    ),
    Feature(
        "refresh",
        "refresh after changes by hand",
        ENGINE,
        (
            UP,
            Stage(
                "refresh",
                by_hand={
                    "changed-1": {"text": "by hand"},
                    "gone-1": None,
                    "stays-1": {"text": "a", "seen": "by somebody"},
                },
            ),
            UP,
            DOWN,
        ),
        differs={
            "Secrets stay secret where a provider reads them back in the clear.": [
                "labels › secret"
            ],
            "Which property depends on which resource is kept.": ["propertyDependencies"],
        },
    ),
    Feature(
        "refresh_before_up",
        "`up --refresh` after changes by hand",
        ENGINE,
        (
            UP,
            Stage(refresh=True, by_hand={"changed-1": {"text": "by hand"}, "gone-1": None}),
            DOWN,
        ),
    ),
)


def feature(key: str) -> Feature:
    """The feature of a key."""
    return next(item for item in FEATURES if item.key == key)
