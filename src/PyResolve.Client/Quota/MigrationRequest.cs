namespace PyResolve.Client;

/// <summary>A request to run migrations of one library.</summary>
public sealed class MigrationRequest
{
    /// <summary>Creates a request for one migration.</summary>
    /// <param name="library">The library's name, such as <c>pydantic</c>: 1 to 128 characters without control characters.</param>
    /// <param name="tier">The means that the migration uses.</param>
    /// <exception cref="ArgumentException">The name is empty, too long or has control characters; or the tier does not exist.</exception>
    public MigrationRequest(string library, MigrationTier tier = MigrationTier.Tier1)
    {
        Library = Guard.Library(Guard.NotNull(library), nameof(library))!;
        Tier = tier.Checked();
    }

    /// <summary>The library's name.</summary>
    public string Library { get; }

    /// <summary>The means that the migration uses.</summary>
    public MigrationTier Tier { get; }

    /// <summary>How many migrations to reserve: 1 to 1000, all or none. Default 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of this range.</exception>
    public int Quantity
    {
        get;
        init => field = value is >= 1 and <= 1000
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "A quantity is from 1 to 1000.");
    } = 1;

    /// <summary>When the reservation expires unless it is settled or, with <see cref="KeepAlive"/>, renewed: whole seconds, 1 second to 7
    /// days. Default 15 minutes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of this range.</exception>
    public TimeSpan TimeToLive
    {
        get;
        init => field = value >= TimeSpan.FromSeconds(1) && value <= TimeSpan.FromDays(7)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "A reservation lasts from 1 second to 7 days.");
    } = TimeSpan.FromMinutes(15);

    /// <summary>Whether the permit renews its reservation in the background, each time that a third of <see cref="TimeToLive"/> has passed,
    /// until it is completed or disposed of, or the client is. Default <see langword="false"/>.</summary>
    /// <remarks>With it, <see cref="TimeToLive"/> need not be longer than the work, only long enough to survive an outage: 90 seconds, for
    /// example. A program that is killed then holds quota for that time at most. A renewal that fails is repeated; it is given up when the
    /// server refuses it, because the reservation has ended, 7 days have passed, or the server is too old to renew reservations. The
    /// reservation then expires, and completing the permit still records the work. Permits that were granted without the server, or
    /// without a key, renew nothing.</remarks>
    public bool KeepAlive { get; init; }

    /// <summary>Identifies the work, in 1 to 255 visible ASCII characters: requests with the same key within 24 hours, from any process,
    /// are reserved and charged once. Default none: each permit is charged.</summary>
    /// <exception cref="ArgumentException">The value has another form.</exception>
    public string? OnceKey
    {
        get;
        init => field = value is null || VisibleAscii.IsIdempotencyKey(value)
            ? value
            : throw new ArgumentException("A once key has 1 to 255 visible ASCII characters.", nameof(value));
    }
}
