using System.Globalization;
using PyResolve.Cli.Migrations;
using PyResolve.Client;
using PyResolve.MSBuild;

namespace PyResolve.Gate;

/// <summary>What the task asks for. The texts are the user's, and have not been checked.</summary>
internal sealed record GateRequest
{
    public string Project { get; init; } = "";

    /// <summary>Whether permits are taken; otherwise the quota is only shown.</summary>
    public bool IsEnforced { get; init; }

    public bool IsRun { get; init; }

    public string Offline { get; init; } = "";

    public double Seconds { get; init; } = 10;

    /// <summary>The full path; empty: no file.</summary>
    public string Sarif { get; init; } = "";

    public string Repository { get; init; } = "";

    public string Commit { get; init; } = "";

    /// <summary>What git has checked out, and where it came from.</summary>
    public string Head { get; init; } = "";

    public string Origin { get; init; } = "";

    public IReadOnlyList<GateMigration> Migrations { get; init; } = [];

    public string ProjectFolder => Path.GetDirectoryName(Project) ?? "";

    public static GateRequest Read(IEnumerable<string> lines)
    {
        var request = new GateRequest();
        var migrations = new List<GateMigration>();
        foreach (var line in lines)
        {
            request = GateLine.Split(line) switch
            {
                ["project", var value] => request with { Project = value },
                ["mode", var value] => request with { IsEnforced = value == "enforce" },
                ["run", var value] => request with { IsRun = value == "true" },
                ["offline", var value] => request with { Offline = value },
                ["seconds", var value] => request with { Seconds = double.Parse(value, CultureInfo.InvariantCulture) },
                ["sarif", var value] => request with { Sarif = value },
                ["repository", var value] => request with { Repository = value },
                ["commit", var value] => request with { Commit = value },
                ["head", var value] => request with { Head = value },
                ["origin", var value] => request with { Origin = value },
                _ => request,
            };
            if (GateLine.Split(line) is ["migration", var library, var target, var tier, var migrator, var path])
                migrations.Add(new GateMigration(library, target, tier, migrator, path));
        }
        return request with { Migrations = migrations };
    }

    /// <summary>Why it cannot be carried out, in one sentence; <see langword="null"/> when it can.</summary>
    public string? FindMistake()
    {
        if (FindPolicy() is null)
            return $"PyResolveOfflinePolicy is '{Offline}'. Set it to lease, allow or deny.";
        return Migrations.Select(static migration => migration.FindMistake()).FirstOrDefault(static mistake => mistake is not null);
    }

    public OfflinePolicy? FindPolicy() => Offline.Trim().ToLowerInvariant() switch
    {
        "lease" => OfflinePolicy.Lease,
        "allow" => OfflinePolicy.Allow,
        "deny" => OfflinePolicy.Deny,
        _ => null,
    };
}

/// <summary>One <c>PyResolveMigration</c> item.</summary>
internal sealed record GateMigration(string Library, string Target, string Tier, string Migrator, string Path)
{
    private const int LongestVersion = 64;

    public string NormalizedLibrary => PackageName.Normalize(Library);

    public MigrationTier ParsedTier => FindTier() ?? MigrationTier.Tier1;

    public override string ToString() => $"{Library} {Target} ({Tier})";

    public string? FindMistake()
    {
        if (!PackageName.IsValid(Library))
            return $"PyResolveMigration '{Library}' is not the name of a library. {PackageName.Rule}";
        var hasVersion = Target.Length is > 0 and <= LongestVersion
            && Target.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '!' or '+' or '_' or '-');
        if (!hasVersion)
            return $"PyResolveMigration '{Library}' has TargetVersion '{Target}'. Write a version, such as TargetVersion=\"2.0\".";
        return FindTier() is null ? $"PyResolveMigration '{Library}' has Tier '{Tier}'. Set it to tier1, tier2 or tier3." : null;
    }

    private MigrationTier? FindTier() => Tier switch
    {
        "tier1" => MigrationTier.Tier1,
        "tier2" => MigrationTier.Tier2,
        "tier3" => MigrationTier.Tier3,
        _ => null,
    };
}
