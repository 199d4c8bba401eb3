using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

internal enum KeyListing
{
    /// <summary>All keys but those that were revoked long ago.</summary>
    Recent,

    /// <summary>The keys that work.</summary>
    Active,

    /// <summary>The keys that reached their end.</summary>
    Expired,

    Revoked,

    All,
}

/// <summary>A page of the list: <c>Limit</c> keys after the one at <c>After</c>.</summary>
internal sealed record KeyListQuery(KeyListing Listing, KeyPosition After, int Limit)
{
    public const int MaxSearchLength = ApiKeyEndpoints.MaxNameLength;

    /// <summary>A part of the name, or the start of the key, to search for; null: all.</summary>
    public string? Search { get; private init; }

    /// <summary>
    /// The most keys of a page: as many as an account may have live keys, so that clients that know no pages see all of them.
    /// </summary>
    public const int MaxLimit = 1_000;

    /// <summary>Reads the query of a program. An empty parameter counts as absent.</summary>
    public static KeyListQuery Read(string? state, string? cursor, string? limit)
    {
        var errors = new FieldErrors();
        var listing = state switch
        {
            null or "" => KeyListing.Recent,
            "active" => KeyListing.Active,
            "all" => KeyListing.All,
            _ => Refused(errors, "state", ProblemTexts.NotAKeyState, KeyListing.Recent),
        };
        var count = string.IsNullOrEmpty(limit)
            ? MaxLimit
            : int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= MaxLimit
                ? number
                : Refused(errors, "limit", ProblemTexts.NumberRange(1, MaxLimit), MaxLimit);
        var after = string.IsNullOrEmpty(cursor)
            ? KeyPosition.Newest
            : KeyPosition.Parse(cursor)
                ?? Refused(errors, "cursor", ProblemTexts.KeyCursorUnknown, KeyPosition.Newest);
        errors.ThrowIfAny();
        return new KeyListQuery(listing, after, count);
    }

    /// <summary>Reads the query of a page, on which people filter by more than programs do.</summary>
    /// <exception cref="ProblemException">422: a value is not valid.</exception>
    public static KeyListQuery ReadPage(string? state, string? search, string? cursor, int limit)
    {
        var errors = new FieldErrors();
        errors.Text("q", search, MaxSearchLength);
        errors.ThrowIfAny();
        KeyListing? ended = state switch
        {
            "expired" => KeyListing.Expired,
            "revoked" => KeyListing.Revoked,
            _ => null,
        };
        var query = Read(ended is null ? state : null, cursor, limit: null) with { Limit = limit, Search = Shorten(search) };
        return ended is { } listing ? query with { Listing = listing } : query;
    }

    /// <summary>Shortens a whole key to what lists show of it: no more is looked for, or shown again.</summary>
    private static string? Shorten(string? search) => search?.Trim() switch
    {
        null or "" => null,
        { Length: > ApiKeyFormat.PrefixLength } text when ApiKeyFormat.HasKeyForm(text) => ApiKeyFormat.PrefixOf(text),
        var text => text,
    };

    private static T Refused<T>(FieldErrors errors, string field, string error, T instead)
    {
        errors.Add(field, error);
        return instead;
    }
}

/// <summary>A place in the list, which is ordered by the time of creation. Not signed: it selects among the caller's own keys.</summary>
internal sealed record KeyPosition(DateTimeOffset CreatedAt, Guid Id)
{
    public static KeyPosition Newest { get; } = new(DateTimeOffset.MaxValue.ToInstant(), Guid.AllBitsSet);

    private long Microseconds => (CreatedAt - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    public string ToCursor() => string.Create(CultureInfo.InvariantCulture, $"{Microseconds}.{Id:N}");

    public static KeyPosition? Parse(string cursor) =>
        cursor.Split('.') is [var at, var key]
        && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
        && microseconds <= Newest.Microseconds
        && Guid.TryParseExact(key, "N", out var id)
            ? new KeyPosition(DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond), id)
            : null;
}

/// <summary>The facts that a key's own page also shows: who made it, as the audit log names it (null: not known), and its limit.</summary>
internal sealed record KeyTerms(string? MadeBy, int? RequestsPerMinute, int? SharedRequestsPerMinute);

/// <summary>Reads lists of keys page by page: revoked keys stay, so an account may have any number.</summary>
internal sealed class ApiKeyLists(Database database, TimeProvider time)
{
    /// <summary>How long a revoked key is listed without being asked for.</summary>
    public static readonly TimeSpan RevokedAreRecentFor = TimeSpan.FromDays(90);

    private static readonly SqlFragment Columns = new("id, name, key_prefix, scopes, created_at, last_used_at, expires_at, revoked_at");

    public async Task<ApiKeyList> ReadAsync(Guid userId, KeyListQuery query, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        SqlPart? filter = query.Listing switch
        {
            KeyListing.Active => new SqlPart($"and revoked_at is null and (expires_at is null or expires_at > {now})"),
            KeyListing.Expired => new SqlPart($"and revoked_at is null and expires_at <= {now}"),
            KeyListing.Revoked => new SqlPart($"and revoked_at is not null"),
            KeyListing.Recent => new SqlPart($"and (revoked_at is null or revoked_at > {now - RevokedAreRecentFor})"),
            _ => null,
        };
        SqlPart? search = query.Search is { } text ? Matching(text) : null;
        var rows = await database.ListAsync(
            $"""
            select {Columns}
            from api_keys
            where user_id = {userId} and (created_at, id) < ({query.After.CreatedAt}, {query.After.Id}) {filter} {search}
            order by created_at desc, id desc
            limit {query.Limit + 1}
            """,
            ReadKey,
            cancellationToken);
        var page = rows.Take(query.Limit).ToList();
        var next = rows.Count > query.Limit ? new KeyPosition(page[^1].CreatedAt, page[^1].Id).ToCursor() : null;
        return new ApiKeyList(page) { NextCursor = next };
    }

    /// <summary>The condition for keys that match a search within one account, whose keys are read by their index.</summary>
    private static SqlPart Matching(string text)
    {
        var pattern = text.Replace(@"\", @"\\", StringComparison.Ordinal)
            .Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);
        return new SqlPart(
            $"""
            and (lower(coalesce(name, {ApiKeys.DefaultName})) like lower({$"%{pattern}%"}) escape '\'
                 or key_prefix like {pattern + "%"} escape '\')
            """);
    }

    public Task<ApiKeyInfo?> FindAsync(Guid userId, Guid id, CancellationToken cancellationToken) => database.FirstAsync(
        $"select {Columns} from api_keys where id = {id} and user_id = {userId}", ReadKey, cancellationToken);

    public Task<KeyTerms?> FindTermsAsync(Guid userId, Guid id, CancellationToken cancellationToken) => database.FirstAsync(
        $"select made_by, requests_per_minute, shared_requests_per_minute from api_keys where id = {id} and user_id = {userId}",
        static row => new KeyTerms(row.TextOrNull(0), row.Int32OrNull(1), row.Int32OrNull(2)),
        cancellationToken);

    /// <summary>
    /// Reads the keys that work, and end within <paramref name="period"/>, the next first, without those that were replaced.
    /// </summary>
    public Task<List<ApiKeyInfo>> ReadExpiringAsync(Guid userId, TimeSpan period, int max, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        return database.ListAsync(
            $"""
            select {Columns}
            from api_keys
            where user_id = {userId} and revoked_at is null and replaced_by is null and expires_at > {now} and expires_at <= {now + period}
            order by expires_at, id
            limit {max}
            """,
            ReadKey,
            cancellationToken);
    }

    /// <summary>Reads names by id, of the keys that still exist.</summary>
    public async Task<IReadOnlyDictionary<Guid, string>> ReadNamesAsync(
        Guid userId, IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        if (ids.Count == 0)
            return new Dictionary<Guid, string>();
        var names = await database.ReadAsync(
            session => session.ListAsync(
                $"""
                select id, name
                from api_keys
                where user_id = {userId} and id in (select k.id from {session.Rows("k", ids).With("id", static id => id)})
                """,
                static row => (Id: row.Uuid(0), Name: row.TextOrNull(1) ?? ApiKeys.DefaultName),
                cancellationToken),
            cancellationToken);
        return names.ToDictionary(static key => key.Id, static key => key.Name);
    }

    private static ApiKeyInfo ReadKey(Row row) => new(
        row.Uuid(0),
        row.TextOrNull(1) ?? ApiKeys.DefaultName,
        row.Text(2),
        ScopeSets.Parse(row.Text(3)),
        row.Instant(4),
        row.InstantOrNull(5),
        row.InstantOrNull(6),
        row.InstantOrNull(7));
}
