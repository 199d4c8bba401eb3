using System.Data.Common;

namespace PyResolve.Server.Storage;

internal sealed class Session(Engine engine, DbConnection connection, DbTransaction? transaction)
{
    public Engine Engine => engine;

    public SqlRows<T> Rows<T>(string name, IReadOnlyList<T> source) => new(engine, name, source);

    /// <inheritdoc cref="Engine.ByAccount"/>
    public IEnumerable<Sql> ByAccount<T>(
        IReadOnlyList<T> rows, Func<T, Guid> account, Func<IReadOnlyList<T>, OneAccount, Sql> write) =>
        engine.ByAccount(rows, account, write);

    /// <summary>The time limit of each statement; by default that of the connection. <see cref="TimeSpan.Zero"/>: none.</summary>
    public TimeSpan? TimeLimit { get; set; }

    /// <summary>Nothing that this transaction writes is work for the background: see <see cref="Database.Writes"/>.</summary>
    public bool LeavesNoWork { get; set; }

    /// <summary>Lets a transaction take minutes: neither the driver nor the database ends a statement of it.</summary>
    public Task LiftTimeLimitsAsync(CancellationToken cancellationToken)
    {
        TimeLimit = TimeSpan.Zero;
        return engine.LiftTimeLimitsAsync(this, cancellationToken);
    }

    public async Task<int> ExecuteAsync(Sql sql, CancellationToken cancellationToken)
    {
        await using var command = Prepare(sql);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Runs statements in order, on PostgreSQL in one round trip.</summary>
    public async Task<int[]> ExecuteAsync(IReadOnlyList<Sql> statements, CancellationToken cancellationToken)
    {
        var changed = new int[statements.Count];
        if (!connection.CanCreateBatch)
        {
            for (var i = 0; i < changed.Length; i++)
                changed[i] = await ExecuteAsync(statements[i], cancellationToken);
            return changed;
        }

        await using var batch = PrepareBatch(statements);
        await batch.ExecuteNonQueryAsync(cancellationToken);
        for (var i = 0; i < changed.Length; i++)
            changed[i] = batch.BatchCommands[i].RecordsAffected;
        return changed;
    }

    public bool HasCommitted { get; private set; }

    /// <summary>
    /// Runs the last statements of a transaction and, on PostgreSQL, commits in the same round trip. So nothing may follow, and only a
    /// failing statement prevents the commit. Like a commit, it cannot be cancelled.
    /// </summary>
    public async Task EndAsync(IReadOnlyList<Sql> statements)
    {
        if (statements.Count == 0)
            return;
        if (!connection.CanCreateBatch)
        {
            await ExecuteAsync(statements, CancellationToken.None);
            return;
        }

        Sql commit = $"commit";
        await ExecuteAsync([.. statements, commit], CancellationToken.None);
        HasCommitted = true;
    }

    /// <summary>Runs a script without a time limit: to rewrite a large table takes minutes.</summary>
    public async Task ExecuteScriptAsync(string script, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandTimeout = 0;
#pragma warning disable CA2100 // The script is a schema file that ships in this assembly.
        command.CommandText = script;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<List<T>> ListAsync<T>(Sql sql, Func<Row, T> map, CancellationToken cancellationToken)
    {
        await using var command = Prepare(sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        await ReadAllAsync(reader, row => rows.Add(map(row)), cancellationToken);
        return rows;
    }

    /// <summary>Returns the rows of all statements, in one round trip where there are several.</summary>
    public async Task<List<T>> ListAsync<T>(IEnumerable<Sql> statements, Func<Row, T> map, CancellationToken cancellationToken)
    {
        Sql[] all = [.. statements];
        if (all is [var only])
            return await ListAsync(only, map, cancellationToken);
        var rows = new List<T>();
        if (all.Length > 0)
            await ReadAsync([.. all.Select(sql => (sql, (Action<Row>)(row => rows.Add(map(row)))))], cancellationToken);
        return rows;
    }

    public async Task ReadAsync(IReadOnlyList<(Sql Sql, Action<Row> Read)> statements, CancellationToken cancellationToken)
    {
        if (!connection.CanCreateBatch)
        {
            foreach (var (sql, read) in statements)
            {
                await using var command = Prepare(sql);
                await using var rows = await command.ExecuteReaderAsync(cancellationToken);
                await ReadAllAsync(rows, read, cancellationToken);
            }

            return;
        }

        await using var batch = PrepareBatch([.. statements.Select(static statement => statement.Sql)]);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        foreach (var (_, read) in statements)
        {
            await ReadAllAsync(reader, read, cancellationToken);
            await reader.NextResultAsync(cancellationToken);
        }
    }

    /// <summary>Streams rows to <paramref name="visit"/> until it returns false.</summary>
    public async Task VisitAsync(Sql sql, Func<Row, bool> visit, CancellationToken cancellationToken)
    {
        await using var command = Prepare(sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken) && visit(new Row(reader, engine)))
        {
            // The visitor does the work.
        }
    }

    public async Task<T?> FirstAsync<T>(Sql sql, Func<Row, T> map, CancellationToken cancellationToken)
        where T : class
    {
        await using var command = Prepare(sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? map(new Row(reader, engine)) : null;
    }

    /// <summary>Returns the first column of the first row.</summary>
    public async Task<long?> NumberAsync(Sql sql, CancellationToken cancellationToken)
    {
        await using var command = Prepare(sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) && !await reader.IsDBNullAsync(0, cancellationToken) ? reader.GetInt64(0) : null;
    }

    private async Task ReadAllAsync(DbDataReader reader, Action<Row> read, CancellationToken cancellationToken)
    {
        while (await reader.ReadAsync(cancellationToken))
            read(new Row(reader, engine));
    }

    private DbBatch PrepareBatch(IReadOnlyList<Sql> statements)
    {
        ThrowIfCommitted();
        var batch = connection.CreateBatch();
        batch.Transaction = transaction;
        if (TimeLimit is { } limit)
            batch.Timeout = (int)Math.Ceiling(limit.TotalSeconds);
        foreach (var sql in statements)
        {
            var command = batch.CreateBatchCommand();
#pragma warning disable CA2100 // Sql turns every value into a parameter.
            command.CommandText = sql.Text;
#pragma warning restore CA2100
            engine.Observer?.Invoke(command.CommandText);
            foreach (var parameter in sql.Parameters)
                engine.AddParameter(command.Parameters, parameter);
            batch.BatchCommands.Add(command);
        }

        return batch;
    }

    private DbCommand Prepare(Sql sql)
    {
        ThrowIfCommitted();
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        if (TimeLimit is { } limit)
            command.CommandTimeout = (int)Math.Ceiling(limit.TotalSeconds);
#pragma warning disable CA2100 // Sql turns every value into a parameter.
        command.CommandText = sql.Text;
#pragma warning restore CA2100
        engine.Observer?.Invoke(command.CommandText);
        foreach (var parameter in sql.Parameters)
            engine.AddParameter(command.Parameters, parameter);
        return command;
    }

    private void ThrowIfCommitted()
    {
        if (HasCommitted)
            throw new InvalidOperationException("The transaction was committed: nothing can follow its last statements.");
    }
}
