using System.Collections.Concurrent;
using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>
/// PostgreSQL with Citus, whose workers have <see cref="LedgerTables"/>, distributed by account. It locks rows, and changes them fast, only
/// in statements that name one account; and takes rows fast only as <c>values</c>.
/// </summary>
internal sealed class CitusEngine(PostgresEngine store) : PostgresEngine(store)
{
    /// <summary>The most parameters that a statement gets here. PostgreSQL allows 65,535.</summary>
    private const int MaxParameters = 60_000;

    private const int MaxRows = 1_000;
    private const int MaxRemembered = 100_000;

    /// <summary>How long the place of an account is remembered: an operator may move shards to other nodes.</summary>
    private static readonly TimeSpan RememberedFor = TimeSpan.FromMinutes(10);

    private static readonly TimeProvider RealTime = TimeProvider.System;

    private readonly ConcurrentDictionary<Guid, (LedgerPlace Place, long ReadAt)> _places = new();
    private readonly ConcurrentDictionary<(long Node, bool ToWrite), NodeBreaker> _breakers = new();

    public override bool IsDistributed => true;

    /// <summary>Asks for the extension first: without it, there are no such tables.</summary>
    /// <returns>How many nodes have ledgers; null: they are not distributed, or this is not Citus.</returns>
    public static async Task<long?> CountNodesAsync(Session session, CancellationToken cancellationToken) =>
        await session.NumberAsync($"select 1::bigint from pg_extension where extname = 'citus'", cancellationToken) is null
            ? null
            : await session.NumberAsync(
                $"""
                select count(distinct p.groupid)
                from pg_dist_partition t
                join pg_dist_shard s on s.logicalrelid = t.logicalrelid
                join pg_dist_placement p on p.shardid = s.shardid
                where t.logicalrelid = to_regclass({LedgerTables.Names[0]}) and t.partmethod = 'h'
                having count(*) > 0
                """,
                cancellationToken);

    public override Task<Engine> FindVariantAsync(CancellationToken cancellationToken) => Task.FromResult<Engine>(this);

    public override async ValueTask<Reader> OpenReaderAsync(long? node, CancellationToken cancellationToken)
    {
        var attempt = Begin(node, toWrite: false);
        try
        {
            return (await base.OpenReaderAsync(node, cancellationToken)) with { Attempt = attempt };
        }
        catch
        {
            attempt?.Withdraw();
            throw;
        }
    }

    public override async ValueTask<Writer> OpenWriterAsync(long? node, CancellationToken cancellationToken)
    {
        var attempt = Begin(node, toWrite: true);
        try
        {
            var writer = await base.OpenWriterAsync(node, cancellationToken);
            writer.Attempt = attempt;
            return writer;
        }
        catch
        {
            attempt?.Withdraw();
            throw;
        }
    }

    public override LedgerPlace? PlaceOf(Guid userId) =>
        _places.TryGetValue(userId, out var known) && RealTime.GetElapsedTime(known.ReadAt) < RememberedFor ? known.Place : null;

    /// <summary>Finds the shard of an account without asking other nodes. A place that is out of date costs only time.</summary>
    public override async Task<LedgerPlace> ReadPlaceAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        var places = await session.ListAsync(
            $"""
            select shardid, cast(min(groupid) as bigint)
            from pg_dist_placement
            where shardid = get_shard_id_for_distribution_column(cast({LedgerTables.Names[0]} as regclass), {userId})
            group by shardid
            """,
            static row => new LedgerPlace(row.Int64(0), row.Int64(1)),
            cancellationToken);
        var place = places.FirstOrDefault();
        if (_places.Count >= MaxRemembered)
            _places.Clear();
        _places[userId] = (place, RealTime.GetTimestamp());
        return place;
    }

    public override IEnumerable<Sql> ByAccount<T>(
        IReadOnlyList<T> rows, Func<T, Guid> account, Func<IReadOnlyList<T>, OneAccount, Sql> write) =>
        from row in rows
        group row by account(row) into ofAccount
        orderby ofAccount.Key
        from part in ofAccount.Chunk(MaxRows)
        select write(part, new OneAccount(ofAccount.Key));

    public override IEnumerable<Sql> InParts<T>(IReadOnlyList<T> rows, Func<IReadOnlyList<T>, Sql> write) =>
        rows.Chunk(MaxRows).Select(write);

    /// <summary>
    /// Classifies errors. Citus has no code for a node that is lost between two statements, during a commit, or while it waits for an
    /// answer, and has other words for each. PostgreSQL itself has this code for faults of its own only.
    /// </summary>
    public override FailureKind Classify(Exception exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.InternalError } ? FailureKind.Unavailable : base.Classify(exception);

    /// <summary>Reads the lineage of the coordinator alone: servers on two nodes would take each other's for a failover.</summary>
    public override async Task<string?> ReadLineageAsync(Session session, CancellationToken cancellationToken) =>
        await session.NumberAsync($"select 1::bigint where citus_is_coordinator()", cancellationToken) is null
            ? ""
            : await base.ReadLineageAsync(session, cancellationToken);

    /// <summary>Apart for reads: they go on where a commit of the node waits for its synchronous standby.</summary>
    private NodeBreaker.Attempt? Begin(long? node, bool toWrite) => node is { } one
        ? _breakers.GetOrAdd((one, toWrite), static _ => new NodeBreaker(RealTime)).Begin()
        : null;

    /// <summary>Writes the rows as <c>values</c>: a select would go through all nodes.</summary>
    public override void Append(Sql sql, InsertedRows inserted)
    {
        var columns = inserted.Rows.Columns;
        if (inserted.Rows.Count * columns.Count > MaxParameters)
            throw new ArgumentException("Too many rows: see InParts.", nameof(inserted));
        sql.AppendLiteral("values ");
        var isFirst = true;
        foreach (var row in inserted.InOrder())
        {
            sql.AppendLiteral(isFirst ? "(" : ", (");
            isFirst = false;
            for (var i = 0; i < columns.Count; i++)
            {
                if (i > 0)
                    sql.AppendLiteral(", ");
                sql.Append(new SqlParameter(columns[i].Type, columns[i].Values.GetValue(row)));
            }

            sql.AppendLiteral(")");
        }
    }
}
