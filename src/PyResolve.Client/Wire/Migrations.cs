using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /migrate</c>, which upgrades code on the server.</summary>
public sealed record MigrateRequest
{
    /// <summary>The library to migrate; up to 128 characters. Required.</summary>
    public string? Library { get; init; }

    /// <summary>The version to migrate to; up to 64 characters. Required.</summary>
    public string? Target { get; init; }

    /// <summary><c>tier1</c>, <c>tier2</c> or <c>tier3</c>. Required.</summary>
    public string? Tier { get; init; }

    /// <summary>The content of each file by its path, relative, with <c>/</c> between names: 1 to 2000 files. Required.</summary>
    public IReadOnlyDictionary<string, string>? Files { get; init; }
}

/// <summary>A migration on the server, as <c>POST /migrate</c>, <c>GET</c> and <c>DELETE /migrate/{id}</c> return it.</summary>
/// <param name="Id">The migration's id.</param>
/// <param name="State">One of <see cref="RemoteMigrationStates"/>.</param>
public sealed record RemoteMigration(Guid Id, string State)
{
    /// <summary>How far it is, while it runs and where the migrator tells.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RemoteMigrationProgress? Progress { get; init; }

    /// <summary>The new content of each changed file by its path; <see langword="null"/> for a file that was removed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string?>? Files { get; init; }

    /// <summary>The changes as a unified diff, which <c>git apply</c> takes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Diff { get; init; }

    /// <summary>How many files were changed. With none, nothing is charged.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? FilesChanged { get; init; }

    /// <summary>LLM tokens that the migrator reported.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? TokensUsed { get; init; }

    /// <summary>What the migrator printed and reported.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Log { get; init; }

    /// <summary>The account's quota after the migration.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public QuotaSnapshot? Quota { get; init; }

    /// <summary>Why it failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RemoteMigrationError? Error { get; init; }
}

/// <summary>How far a migration is.</summary>
/// <param name="Done">Files done.</param>
/// <param name="Total">Of how many; <see langword="null"/> where that is not known.</param>
/// <param name="File">The file at work; <see langword="null"/> where that is not known.</param>
public sealed record RemoteMigrationProgress(long Done, long? Total, string? File);

/// <summary>Why a migration failed.</summary>
/// <param name="Code">As of a <see cref="Problem"/>: <see cref="ProblemCodes.MigrationFailed"/> when the migrator failed.</param>
/// <param name="Detail">What happened.</param>
public sealed record RemoteMigrationError(string Code, string Detail);

/// <summary>The states of a migration on the server.</summary>
public static class RemoteMigrationStates
{
    /// <summary>The migrator runs.</summary>
    public const string Running = "running";

    /// <summary>It has ended, and the answer has what it changed.</summary>
    public const string Done = "done";

    /// <summary>It has failed. Nothing is charged.</summary>
    public const string Failed = "failed";

    /// <summary>It was cancelled. Nothing is charged.</summary>
    public const string Cancelled = "cancelled";
}
