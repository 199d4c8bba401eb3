using System.Text.Json;

namespace PyResolve.Client;

/// <summary>What a migration did, as it goes on the account's record.</summary>
public sealed class MigrationOutcome
{
    /// <summary>Migrations done: 1 to what the permit holds. Default <see langword="null"/>: all of it. The rest goes back.</summary>
    public int? Quantity
    {
        get;
        init => field = value is null or (>= 1 and <= 1000)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Between 1 and 1000 migrations; dispose of the permit to give back all of it.");
    }

    /// <summary>Files that really changed: 0 to 2147483647. Default 0.</summary>
    public long FilesChanged { get; init => field = Guard.Count(value, nameof(FilesChanged)); }

    /// <summary>LLM tokens used: 0 to 2147483647. Default 0.</summary>
    public long TokensUsed { get; init => field = Guard.Count(value, nameof(TokensUsed)); }

    /// <summary>Anything else worth keeping: a JSON object of at most 16 KiB. Default none.</summary>
    public JsonElement? Metadata { get; init => field = Guard.Metadata(value, nameof(Metadata)); }
}
