using System.Runtime.ExceptionServices;

namespace PyResolve.Server.Storage;

internal sealed class Database(Engine unopened) : IAsyncDisposable
{
    private const int Attempts = 5;

    private readonly Database? _whole;
    private readonly Guid _account;
    private Engine? _opened;
    private long _writes;

    private Database(Database whole, Guid account)
        : this(whole.Engine) => (_whole, _account) = (whole, account);

    public static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeProvider RealTime = TimeProvider.System;

    /// <summary>The engine. Before the first statement it is not known yet whether the rows are distributed.</summary>
    public Engine Engine => _whole?.Engine ?? _opened ?? unopened;

    /// <summary>How many transactions of <see cref="WriteAsync{T}"/> have ended, but for those that leave no work.</summary>
    public long Writes => Volatile.Read(ref (_whole ?? this)._writes);

    /// <inheritdoc cref="Engine.WriteTimeout"/>
    public TimeSpan? WriteTimeout => Engine.WriteTimeout;

    /// <summary>
    /// The same store, for statements about the ledger of one account. Where a node that does not answer has it, they leave connections to
    /// the accounts of the others.
    /// </summary>
    public Database OfAccount(Guid userId) => new(_whole ?? this, userId);

    /// <summary>The part of the store that has an account's ledger, and may be down alone.</summary>
    public ValueTask<long> FindShardAsync(Guid userId, CancellationToken cancellationToken) => Engine.PlaceOf(userId) is { } known
        ? new(known.Shard)
        : new(ReadShardAsync(userId, cancellationToken));

    /// <summary>Reads. Where the store fails over, <paramref name="work"/> may go on after this has thrown.</summary>
    public Task<T> ReadAsync<T>(Func<Session, Task<T>> work, CancellationToken cancellationToken) =>
        ReadAsync(work, mayBeAbandoned: true, cancellationToken);

    /// <summary>
    /// Reads for at most <see cref="ReadTimeout"/>, or the time that is given, also where the store is frozen and the driver would wait far
    /// longer.
    /// </summary>
    /// <exception cref="TimeoutException">The store does not answer.</exception>
    public Task<T> ReadWithTimeoutAsync<T>(Func<Session, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        ReadWithTimeoutAsync(work, ReadTimeout, cancellationToken);

    /// <inheritdoc cref="ReadWithTimeoutAsync{T}(Func{Session, CancellationToken, Task{T}}, CancellationToken)"/>
    public async Task<T> ReadWithTimeoutAsync<T>(
        Func<Session, CancellationToken, Task<T>> work, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var reading = ReadAsync();
        try
        {
            return await reading.WaitAsync(timeout, TimeProvider.System, cancellationToken);
        }
        catch (Exception exception)
            when (exception is TimeoutException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            reading.Forget();
            Engine.AfterFailure(exception);
            throw new TimeoutException("The store does not answer.", exception);
        }

        // Cancelled as well, to return its connection to the pool.
        async Task<T> ReadAsync()
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(timeout);
            return await this.ReadAsync(session => work(session, deadline.Token), deadline.Token);
        }
    }

    /// <summary>
    /// Runs <paramref name="work"/> in a transaction, within <see cref="WriteTimeout"/>. It may run several times, and go on after this has
    /// thrown, so it must have no effects but its writes.
    /// </summary>
    public async Task<T> WriteAsync<T>(Func<Session, Task<T>> work, CancellationToken cancellationToken)
    {
        var startedAt = RealTime.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            Session? session = null;
            try
            {
                var engine = await OpenAsync(cancellationToken);
                var writer = await engine.OpenWriterAsync(await FindNodeAsync(engine, cancellationToken), cancellationToken);
                session = new Session(engine, writer.Connection, writer.Transaction);
                if (TimeLeft(startedAt) <= TimeSpan.Zero)
                {
                    // Its caller is told that nothing was done, so nothing may be.
                    await writer.DisposeAsync();
                    throw Unavailable(new TimeoutException("The connection came too late."));
                }

                return await UntilLateAsync(UntilAbandonedAsync(CommitAsync(session, writer), writer.Abandoned), session, startedAt);
            }
            catch (Exception exception) when (Engine.Classify(exception) is FailureKind.Retry or FailureKind.Unavailable)
            {
                if (attempt == Attempts || Engine.Classify(exception) is FailureKind.Unavailable)
                    throw Unavailable(exception);
                // Work that may take long has its time anew: it lifts the limit only after its first statements.
                if (session?.TimeLimit is not null)
                    startedAt = RealTime.GetTimestamp();
            }
        }

        async Task<T> CommitAsync(Session session, Writer opened)
        {
            await using var writer = opened;
            try
            {
                var result = await work(session);
                // Not cancelled with the request, so that the outcome of the commit is known.
                if (!session.HasCommitted)
                    await writer.Transaction.CommitAsync(CancellationToken.None);
                writer.Attempt?.Answered();
                return writer.CommitIsUncertain ? throw new CommitUncertainException() : result;
            }
            catch (Exception exception) when (IsAnswer(session.Engine, exception))
            {
                writer.Attempt?.Withdraw();
                throw;
            }
            finally
            {
                // Also where the answer to the commit was lost.
                if (!session.LeavesNoWork)
                    Interlocked.Increment(ref (_whole ?? this)._writes);
            }
        }
    }

    /// <summary>For a transaction that cannot be repeated: its failures come as the driver's.</summary>
    public async Task<Writer> OpenWriterAsync(CancellationToken cancellationToken) =>
        await (await OpenAsync(cancellationToken)).OpenWriterAsync(node: null, cancellationToken);

    public Task WriteAsync(Func<Session, Task> work, CancellationToken cancellationToken) => WriteAsync<object?>(
        async session =>
        {
            await work(session);
            return null;
        },
        cancellationToken);

    public Task<T?> FirstAsync<T>(Sql sql, Func<Row, T> map, CancellationToken cancellationToken)
        where T : class =>
        ReadAsync(session => session.FirstAsync(sql, map, cancellationToken), cancellationToken);

    /// <summary>Returns the first column of the first row; null where there is no row.</summary>
    public async Task<DateTimeOffset?> InstantAsync(Sql sql, CancellationToken cancellationToken) =>
        (await ListAsync(sql, static row => row.InstantOrNull(0), cancellationToken)).FirstOrDefault();

    public Task<T?> FirstWithTimeoutAsync<T>(Sql sql, Func<Row, T> map, CancellationToken cancellationToken)
        where T : class =>
        ReadWithTimeoutAsync((session, token) => session.FirstAsync(sql, map, token), cancellationToken);

    public Task<List<T>> ListAsync<T>(Sql sql, Func<Row, T> map, CancellationToken cancellationToken) =>
        ReadAsync(session => session.ListAsync(sql, map, cancellationToken), cancellationToken);

    public Task VisitAsync(Sql sql, Func<Row, bool> visit, CancellationToken cancellationToken) => ReadAsync<object?>(
        async session =>
        {
            await session.VisitAsync(sql, visit, cancellationToken);
            return null;
        },
        // It writes to what its caller has: not after the caller has gone.
        mayBeAbandoned: false,
        cancellationToken);

    public Task<int> ExecuteAsync(Sql sql, CancellationToken cancellationToken) =>
        WriteAsync(session => session.ExecuteAsync(sql, cancellationToken), cancellationToken);

    /// <summary>Whether the store rejects a value and always will.</summary>
    public bool IsRefusal(Exception exception) => Engine.Classify(exception) is FailureKind.Refused;

    public void ThrowUnlessRefused(Exception exception)
    {
        if (!IsRefusal(exception))
            ExceptionDispatchInfo.Throw(exception);
    }

    public ValueTask DisposeAsync() => _whole is null ? Engine.DisposeAsync() : default;

    private async Task<T> ReadAsync<T>(Func<Session, Task<T>> work, bool mayBeAbandoned, CancellationToken cancellationToken)
    {
        try
        {
            var engine = await OpenAsync(cancellationToken);
            var reader = await engine.OpenReaderAsync(await FindNodeAsync(engine, cancellationToken), cancellationToken);
            return await UntilAbandonedAsync(WorkAsync(engine, reader), mayBeAbandoned ? reader.Abandoned : CancellationToken.None);
        }
        catch (Exception exception) when (Engine.Classify(exception) is FailureKind.Retry or FailureKind.Unavailable)
        {
            throw Unavailable(exception);
        }

        async Task<T> WorkAsync(Engine engine, Reader opened)
        {
            await using var reader = opened;
            try
            {
                var result = await work(new Session(engine, reader.Connection, transaction: null));
                reader.Attempt?.Answered();
                return result;
            }
            // What is streamed may have waited for its client.
            catch (Exception exception) when (!mayBeAbandoned || IsAnswer(engine, exception))
            {
                reader.Attempt?.Withdraw();
                throw;
            }
        }
    }

    /// <summary>
    /// Waits for the work until its host is abandoned: if the host hangs, the driver would wait far longer. The statements are not
    /// cancelled: that asks the same host, and waits too.
    /// </summary>
    private async Task<T> UntilAbandonedAsync<T>(Task<T> work, CancellationToken abandoned)
    {
        try
        {
            return await work.WaitAsync(abandoned);
        }
        catch (OperationCanceledException) when (abandoned.IsCancellationRequested)
        {
            if (work.IsCompleted)
                return await work;
            work.Forget();
            throw new StoreUnavailableException(
                Engine.Explain(new TimeoutException()), new TimeoutException("Another host is used from now on."));
        }
    }

    /// <summary>Each of its statements has a limit, but several may wait for the commits of others, and then its own commit does.</summary>
    private async Task<T> UntilLateAsync<T>(Task<T> work, Session session, long startedAt)
    {
        if (WriteTimeout is null)
            return await work;
        try
        {
            var left = TimeLeft(startedAt);
            return await work.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, RealTime, CancellationToken.None);
        }
        catch (TimeoutException exception)
        {
            // Its own, or it has ended meanwhile: then its outcome is known.
            if (work.IsCompleted || session.TimeLimit is not null)
                return await work;
            work.Forget();
            throw Unavailable(exception);
        }
    }

    private TimeSpan TimeLeft(long startedAt) =>
        WriteTimeout is { } limit ? limit - RealTime.GetElapsedTime(startedAt) : TimeSpan.MaxValue;

    private async ValueTask<long?> FindNodeAsync(Engine engine, CancellationToken cancellationToken)
    {
        if (_whole is null)
            return null;
        var place = engine.PlaceOf(_account) ?? await _whole.ReadPlaceAsync(_account, cancellationToken);
        return place.Node;
    }

    private async Task<long> ReadShardAsync(Guid userId, CancellationToken cancellationToken) =>
        (await ReadPlaceAsync(userId, cancellationToken)).Shard;

    private Task<LedgerPlace> ReadPlaceAsync(Guid userId, CancellationToken cancellationToken) =>
        ReadAsync(session => session.Engine.ReadPlaceAsync(session, userId, cancellationToken), cancellationToken);

    /// <summary>Such as a broken constraint: no time limit, and no lost connection.</summary>
    private static bool IsAnswer(Engine engine, Exception exception) =>
        engine.Classify(exception) is FailureKind.Refused or FailureKind.Retry;

    private StoreUnavailableException Unavailable(Exception exception)
    {
        Engine.AfterFailure(exception);
        return new StoreUnavailableException(Engine.Explain(exception), exception);
    }

    // Those that come at the same time may all ask: they get the same answer.
    private async ValueTask<Engine> OpenAsync(CancellationToken cancellationToken) =>
        _whole is { } whole ? await whole.OpenAsync(cancellationToken) : _opened ??= await unopened.FindVariantAsync(cancellationToken);
}

/// <summary>The store is down, full or too busy. A write may have been committed all the same: retry it with the same id.</summary>
/// <param name="reason">May be shown to anybody.</param>
/// <param name="cause">For the log.</param>
internal class StoreUnavailableException(string reason, Exception? cause)
    : Exception(cause is null || reason == cause.Message ? reason : $"{reason} ({cause.Message})", cause)
{
    public string Reason => reason;
}

/// <summary>A commit that waited for its synchronous replica was cut short, by a time limit or an operator.</summary>
internal sealed class CommitUncertainException() : StoreUnavailableException(
    "The database stored a change, but its synchronous replica has not confirmed it: a failover may lose it.", cause: null);
