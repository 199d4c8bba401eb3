using System.Text.Json;

namespace PyResolve.Client;

/// <summary>What a migration did, for the account's usage record.</summary>
public sealed class MigrationOutcome
{
    /// <summary>Migrations done: 1 to what the permit holds; the rest is released. Default <see langword="null"/>: all of them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not from 1 to 1000.</exception>
    public int? Quantity
    {
        get;
        init => field = value is null or (>= 1 and <= 1000)
            ? value
            : throw new ArgumentOutOfRangeException(
                nameof(value), value, "A quantity is from 1 to 1000. To release all of a permit, dispose of it.");
    }

    /// <summary>How many files were changed: 0 to 2147483647. Default 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of this range.</exception>
    public long FilesChanged { get; init => field = Guard.Count(value, nameof(FilesChanged)); }

    /// <summary>How many LLM tokens were used: 0 to 2147483647. Default 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of this range.</exception>
    public long TokensUsed { get; init => field = Guard.Count(value, nameof(TokensUsed)); }

    /// <summary>Further data: a JSON object of at most 16 KiB. Default none.</summary>
    /// <exception cref="ArgumentException">The value is not an object, or larger.</exception>
    public JsonElement? Metadata { get; init => field = Guard.Metadata(value, nameof(Metadata)); }
}
