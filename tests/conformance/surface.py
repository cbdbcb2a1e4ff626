"""Where the table has each name of Pulumi's SDK by which a program can ask something of an engine.

Names map to keys of `kraj.engine.conformance.features`. What only the SDK itself is concerned with
is listed apart, with the reason. Tests walk the locked SDK: what is new there is missing here.
"""

from __future__ import annotations

#: Parameters of `pulumi.ResourceOptions`.
RESOURCE_OPTIONS = {
    "parent": "parent",
    "depends_on": "depends_on",
    "protect": "protect",
    "provider": "providers",
    "providers": "providers",
    "delete_before_replace": "delete_before_replace",
    "ignore_changes": "ignore_changes",
    "version": "version",
    "aliases": "aliases",
    "additional_secret_outputs": "additional_secret_outputs",
    "id": "read",
    "import_": "import_",
    "custom_timeouts": "custom_timeouts",
    "transformations": "transformations",
    "transforms": "transforms",
    "hooks": "hooks",
    "urn": "urn",
    "replace_on_changes": "replace_on_changes",
    "replacement_trigger": "replacement_trigger",
    "plugin_download_url": "plugin_download_url",
    "retain_on_delete": "retain_on_delete",
    "deleted_with": "deleted_with",
    "replace_with": "replace_with",
    "hide_diffs": "hide_diffs",
    "env_var_mappings": "env_var_mappings",
    "state_migrations": "state_migrations",
}

#: Parameters of `pulumi.InvokeOptions` and `pulumi.InvokeOutputOptions`.
INVOKE_OPTIONS = {
    "parent": "invoke",
    "provider": "invoke",
    "version": "invoke",
    "depends_on": "invoke",
    "plugin_download_url": "plugin_download_url",
}

#: Public methods of `pulumi.Output`.
OUTPUT_METHODS = {
    "all": "outputs",
    "apply": "outputs",
    "concat": "outputs",
    "format": "outputs",
    "from_input": "outputs",
    "json_dumps": "outputs",
    "json_loads": "outputs",
    "recover": "deferred",
    "secret": "secrets",
    "unsecret": "secrets",
    "is_secret": "secrets",
}
OUTPUT_METHODS_OF_THE_SDK = {
    "future": "the SDK's own: awaits a value inside the program",
    "get": "raises: says that a value can only be had in `apply`",
    "is_known": "the SDK's own: whether a preview knows the value",
    "resources": "the SDK's own: what a value depends on; the engine sees it as dependencies",
}

#: Methods of the service ResourceMonitor: all that a program can ask of an engine about resources.
MONITOR_METHODS = {
    "Invoke": "invoke",
    "Call": "methods",
    "ReadResource": "read",
    "ExistsResource": "exists",
    "RegisterResource": "lifecycle",
    "RegisterResourceOutputs": "components",
    "RegisterStackTransform": "stack_transforms",
    "RegisterStackInvokeTransform": "invoke_transforms",
    "RegisterResourceHook": "hooks",
    "RegisterErrorHook": "error_hooks",
    "RegisterPackage": "packages",
    "GetDeploymentInfo": "names",
}
MONITOR_METHODS_OF_THE_SDK = {
    "SupportsFeature": "asked by the SDK before it sends what is new",
    "SignalAndWaitForShutdown": "sent by the SDK at the program's end",
}

#: Methods of the service Engine.
ENGINE_METHODS = {
    "Log": "log",
    "RequirePulumiVersion": "require_version",
}
ENGINE_METHODS_OF_THE_SDK = {
    "GetRootResource": "asked by the SDK for the stack's own resource",
    "SetRootResource": "told by the SDK of the stack's own resource",
    "StartDebugging": "sent by language hosts of Pulumi's command, never by a program",
}

#: Fields of a registration.
REGISTRATION = {
    "type": "lifecycle",
    "name": "lifecycle",
    "custom": "components",
    "object": "values",
    "parent": "parent",
    "protect": "protect",
    "dependencies": "depends_on",
    "propertyDependencies": "outputs",
    "provider": "providers",
    "providers": "providers",
    "deleteBeforeReplace": "delete_before_replace",
    "deleteBeforeReplaceDefined": "delete_before_replace",
    "version": "version",
    "ignoreChanges": "ignore_changes",
    "additionalSecretOutputs": "additional_secret_outputs",
    "aliasURNs": "aliases",
    "aliases": "aliases",
    "importId": "import_",
    "customTimeouts": "custom_timeouts",
    "remote": "remote_components",
    "replaceOnChanges": "replace_on_changes",
    "pluginDownloadURL": "plugin_download_url",
    "retainOnDelete": "retain_on_delete",
    "deletedWith": "deleted_with",
    "replace_with": "replace_with",
    "replacement_trigger": "replacement_trigger",
    "transforms": "transforms",
    "packageRef": "packages",
    "hooks": "hooks",
    "hideDiffs": "hide_diffs",
    "envVarMappings": "env_var_mappings",
    "state_migrations": "state_migrations",
}
REGISTRATION_OF_THE_SDK = {
    "acceptSecrets": "the SDK takes secrets in the answer",
    "acceptResources": "the SDK takes references to resources in the answer",
    "supportsPartialValues": "the SDK sends values that are known in parts",
    "supportsResultReporting": "the SDK takes failures in the answer",
    "accepts_byte_string": "the SDK takes texts that are no UTF-8 in the answer",
    "aliasSpecs": "the SDK sends aliases as objects",
    "pluginChecksums": "of packages that generated SDKs pin; the Python SDK never sends any",
    "sourcePosition": "where in the program the resource is registered",
    "stackTrace": "the same, with its callers",
    "parentStackTraceHandle": "the same, of a component of a plugin",
    "snippetId": "of Pulumi's own editor; refused by name",
}

#: Names that `import pulumi` gives and that reach an engine.
NAMES = {
    "AssetArchive": "archives",
    "FileArchive": "archives",
    "RemoteArchive": "archives",
    "FileAsset": "assets",
    "RemoteAsset": "assets",
    "StringAsset": "assets",
    "Config": "config",
    "RunError": "run_time_errors",
    "InvokeOptions": "invoke",
    "InvokeOutputOptions": "invoke",
    "get_organization": "names",
    "get_project": "names",
    "get_stack": "names",
    "get_root_directory": "root_directory",
    "require_pulumi_version": "require_version",
    "Alias": "aliases",
    "CustomResource": "lifecycle",
    "CustomTimeouts": "custom_timeouts",
    "ComponentResource": "components",
    "ProviderResource": "providers",
    "ResourceOptions": "lifecycle",
    "create_urn": "names",
    "export": "outputs",
    "ROOT_STACK_RESOURCE": "aliases",
    "ResourceTransformationArgs": "transformations",
    "ResourceTransformationResult": "transformations",
    "ResourceTransformArgs": "transforms",
    "ResourceTransformResult": "transforms",
    "InvokeTransformResult": "invoke_transforms",
    "Output": "outputs",
    "deferred_output": "deferred",
    "ErrorHook": "error_hooks",
    "error_hook": "error_hooks",
    "ResourceHook": "hooks",
    "ResourceHookArgs": "hooks",
    "ResourceHookBinding": "hooks",
    "ResourceHookOptions": "hooks",
    "resource_hook": "hooks",
    "debug": "log",
    "info": "log",
    "warn": "log",
    "error": "log_error",
    "StackReference": "stack_references",
    "StackReferenceOutputDetails": "stack_references",
    "Stash": "stash",
    "dynamic": "dynamic_providers",
    "get": "read",
}
_TYPE = "a type or base class for annotations"
_ERROR = "an error that the SDK raises inside the program"
_CLASSES = "for the classes of generated SDKs"
NAMES_OF_THE_SDK = {
    "Asset": _TYPE,
    "Archive": _TYPE,
    "Resource": _TYPE,
    "Input": _TYPE,
    "Inputs": _TYPE,
    "InputType": _TYPE,
    "InvokeTransform": _TYPE,
    "InvokeTransformArgs": _TYPE,
    "ResourceTransform": _TYPE,
    "ResourceTransformation": _TYPE,
    "StateMigration": _TYPE,
    "StateMigrationArgs": _TYPE,
    "StateMigrationResult": _TYPE,
    "ErrorHookArgs": _TYPE,
    "ErrorHookFunction": _TYPE,
    "ResourceHookFunction": _TYPE,
    "ConfigMissingError": _ERROR,
    "ConfigTypeError": _ERROR,
    "InputPropertiesError": "an error that a dynamic provider raises",
    "InputPropertyError": "an error that a dynamic provider raises",
    "InputPropertyErrorDetails": "an error that a dynamic provider raises",
    "UNKNOWN": "the SDK's own: a value that a preview does not know",
    "contains_unknowns": "the SDK's own: looks for such values",
    "MISSING": _CLASSES,
    "deprecated": _CLASSES,
    "get_type_token": _CLASSES,
    "getter": _CLASSES,
    "input_type": _CLASSES,
    "output_type": _CLASSES,
    "property": _CLASSES,
    "set": _CLASSES,
    "type_token": _CLASSES,
    "runtime": "a module; what a program uses of it stands at its place",
    "run": "starts a program by another way than the engine's",
    "policy": "another program's: policy packs",
    "automation": "another program's: drives Pulumi's command",
}
