namespace PyResolve.Client;

/// <summary>A migration that wants to run.</summary>
public sealed class MigrationRequest
{
    /// <summary>A migration of one library.</summary>
    /// <param name="library">The library's name, as in <c>pydantic</c>: 1 to 128 characters, none of them a control character.</param>
    /// <param name="tier">What the migration uses.</param>
    /// <exception cref="ArgumentException">The name is empty, too long or has control characters; or there is no such tier.</exception>
    public MigrationRequest(string library, MigrationTier tier = MigrationTier.Tier1)
    {
        Library = Guard.Library(Guard.NotNull(library), nameof(library))!;
        Tier = tier.Checked();
    }

    /// <summary>The library's name.</summary>
    public string Library { get; }

    /// <summary>What the migration uses.</summary>
    public MigrationTier Tier { get; }

    /// <summary>How many migrations to hold: 1 to 1000, all or none. Default 1.</summary>
    public int Quantity
    {
        get;
        init => field = value is >= 1 and <= 1000
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Between 1 and 1000 migrations can be held at once.");
    } = 1;

    /// <summary>How long the hold lasts unless it is completed: whole seconds, 1 second to 7 days. Default 15 minutes.</summary>
    public TimeSpan TimeToLive
    {
        get;
        init => field = value >= TimeSpan.FromSeconds(1) && value <= TimeSpan.FromDays(7)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "A hold lasts between 1 second and 7 days.");
    } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// Names the work itself, in 1 to 255 visible ASCII characters: what carries the same name within 24 hours, from any process, is held and
    /// paid once. Default none: each permit is paid for.
    /// </summary>
    public string? OnceKey
    {
        get;
        init => field = value is null || (value.Length <= 255 && Guard.IsVisibleAscii(value))
            ? value
            : throw new ArgumentException("A once key has 1 to 255 visible ASCII characters.", nameof(value));
    }
}
