using PyResolve.Client;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Migrations;

/// <param name="Path">As it was given, for messages.</param>
/// <param name="Migrator">The value of <c>--migrator</c>.</param>
internal sealed record UpgradeRequest(
    string Library,
    string Target,
    string Path,
    string FullPath,
    MigrationTier Tier,
    FileSelection Selection,
    string? Migrator,
    TimeSpan Grace);
