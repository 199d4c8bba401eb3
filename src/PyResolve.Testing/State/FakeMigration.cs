using PyResolve.Client.Wire;

namespace PyResolve.Testing;

/// <summary>What a migrator of <see cref="FakePyResolveServer.Migrator"/> does. Immutable.</summary>
public sealed record FakeMigration
{
    /// <summary>The new content of files by their path, new files too; <see langword="null"/> for a file that is removed. What equals the
    /// content that was sent does not count as changed. Default none: nothing is charged.</summary>
    public IReadOnlyDictionary<string, string?> Files { get; init; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>The LLM tokens that it reports. Default 0.</summary>
    public long TokensUsed { get; init; }

    /// <summary>What it prints. Default nothing.</summary>
    public string Log { get; init; } = "";

    /// <summary>How long it takes, on <see cref="FakePyResolveServer.Clock"/>. Default zero.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>How far it is until it ends. Default unknown.</summary>
    public RemoteMigrationProgress? Progress { get; init; }

    /// <summary>Why it fails, such as <c>it ended with the code 3</c>: then nothing is charged. Default: it does not fail.</summary>
    public string? Failure { get; init; }
}
