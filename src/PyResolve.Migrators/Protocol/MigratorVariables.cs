namespace PyResolve.Migrators.Protocol;

/// <summary>What a migrator finds in its environment: docs/migrators.md.</summary>
internal static class MigratorVariables
{
    /// <summary>The version of the protocol.</summary>
    public const string Version = "PYRESOLVE_MIGRATOR_PROTOCOL";

    /// <summary>What to open for writing.</summary>
    public const string Channel = "PYRESOLVE_MIGRATOR_CHANNEL";

    /// <summary>The patterns of <c>--include</c>, one a line.</summary>
    public const string Include = "PYRESOLVE_MIGRATOR_INCLUDE";

    /// <summary>The patterns of <c>--exclude</c>, one a line.</summary>
    public const string Exclude = "PYRESOLVE_MIGRATOR_EXCLUDE";

    public const string SupportedVersion = "1";
}
