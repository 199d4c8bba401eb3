namespace PyResolve.Server.Storage;

/// <summary>
/// Applies the schema files. Instances may start at the same time: a lock lets one apply them, and the others find nothing left to do. A
/// file only ever expands the schema; its <c>compatible_from</c> names the oldest version whose servers can still work with it.
/// </summary>
internal sealed partial class SchemaMigrator(Database database, TimeProvider time, ILogger<SchemaMigrator> logger)
{
    /// <summary>How long to wait for another instance, which may be rewriting a large table.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromHours(1);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeProvider RealTime = TimeProvider.System;

    private readonly IReadOnlyList<SchemaFile> _migrations = SchemaFile.LoadAll(database.Engine.Name);
    private readonly IReadOnlyList<string> _tables = SchemaFile.TablesOf(SchemaFile.LoadAll(database.Engine.Name));

    /// <summary>The schema version that this server was built with.</summary>
    public int Version => _migrations[^1].Version;

    /// <inheritdoc cref="ApplyAsync(Action{SchemaStep}, CancellationToken)"/>
    public Task<IReadOnlyList<string>> ApplyAsync(CancellationToken cancellationToken) =>
        ApplyAsync(static _ => { }, cancellationToken);

    /// <exception cref="SchemaIncompatibleException">
    /// The schema needs a newer server, or the database or its rights do not fit: the message names the fix.
    /// </exception>
    public async Task<IReadOnlyList<string>> ApplyAsync(Action<SchemaStep> progress, CancellationToken cancellationToken)
    {
        try
        {
            return await WaitAndApplyAsync(progress, cancellationToken);
        }
        catch (StoreUnavailableException exception) when (database.Engine.LacksRight(exception.InnerException) is { } right)
        {
            await CheckRightsAsync(cancellationToken);
            throw new SchemaIncompatibleException(
                $"The schema cannot be changed: {right}. Run the command migrate-schema as the role that owns the tables.");
        }
    }

    /// <exception cref="SchemaIncompatibleException">This server cannot work with the schema.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var state = await database.ReadAsync(session => ReadStateAsync(session, cancellationToken), cancellationToken);
        if (state.Version == 0)
            throw new SchemaIncompatibleException("The database has no schema yet. Run the server's command migrate-schema.");
        if (state.Version < Version)
        {
            throw new SchemaIncompatibleException(
                $"The database's schema has version {state.Version}; this server needs {Version}. "
                + "Restart it, or run the server's command migrate-schema.");
        }

        ThrowIfTooOld(state);
    }

    /// <exception cref="SchemaIncompatibleException">
    /// The role lacks a right on a table: the message names the statement that helps.
    /// </exception>
    public Task CheckRightsAsync(CancellationToken cancellationToken) => database.ReadAsync(
        async session =>
        {
            await session.Engine.CheckAsync(session, _tables, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <summary>The tables and views of the schema.</summary>
    public IReadOnlyList<string> TableNames => _tables;

    /// <summary>The functions of the schema, on PostgreSQL those for Supabase too.</summary>
    public IReadOnlyList<string> FunctionNames =>
        [.. SchemaFile.FunctionsOf(_migrations).Union(database.Engine is PostgresEngine ? SupabaseMode.FunctionNames : [])];

    public static async Task<bool> HasSchemaAsync(Session session, CancellationToken cancellationToken) =>
        (await ReadStateAsync(session, cancellationToken)).Version > 0;

    /// <summary>Locks the schema until the transaction ends.</summary>
    /// <returns>Its version; 0: there is none.</returns>
    /// <exception cref="SchemaIncompatibleException">Another process changes the schema.</exception>
    public static async Task<int> LockVersionAsync(Session session, CancellationToken cancellationToken) =>
        (await LockStateAsync(session, cancellationToken)).Version;

    /// <summary>Makes the schema where there is none.</summary>
    /// <param name="session">In a transaction that has locked the schema.</param>
    /// <param name="cancellationToken">Takes everything back.</param>
    public Task CreateAsync(Session session, CancellationToken cancellationToken) =>
        ApplyAsync(session, new SchemaState(0, 0), Version, static _ => { }, cancellationToken);

    /// <summary>Spreads an up-to-date schema over the nodes of a Citus, with the rows that it has. What is spread already stays.</summary>
    /// <inheritdoc cref="CitusSchema.DistributeAsync" path="/param"/>
    /// <exception cref="SchemaIncompatibleException">It cannot be done here: the message names the fix.</exception>
    public Task<Distribution> DistributeAsync(int? shards, IProgress<MovedRows>? progress, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                if (session.Engine is not PostgresEngine)
                    throw new SchemaIncompatibleException(
                        "Nothing was distributed. The embedded database has one node: name a Citus in DATABASE_URL.");
                await LockStateAsync(session, cancellationToken);
                return await CitusSchema.DistributeAsync(session, _tables, shards, progress, cancellationToken);
            },
            cancellationToken);

    /// <inheritdoc cref="CitusSchema.FindShardsAsync"/>
    public async Task<int?> FindShardsAsync(CancellationToken cancellationToken) => database.Engine is PostgresEngine
        ? await database.ReadAsync(session => CitusSchema.FindShardsAsync(session, cancellationToken), cancellationToken)
        : null;

    /// <summary>Gives a database without tables the schema of a version. One with tables stays as it is.</summary>
    /// <returns>The version that it has then.</returns>
    public Task<int> ApplyToEmptyAsync(int version, CancellationToken cancellationToken) => database.WriteAsync(
        session => ApplyToEmptyAsync(session, version, cancellationToken), cancellationToken);

    /// <summary>The same in a transaction, which keeps the schema locked until it ends.</summary>
    /// <inheritdoc cref="ApplyToEmptyAsync(int, CancellationToken)"/>
    public async Task<int> ApplyToEmptyAsync(Session session, int version, CancellationToken cancellationToken)
    {
        var state = await LockStateAsync(session, cancellationToken);
        if (state.Version > 0)
            return state.Version;
        await session.LiftTimeLimitsAsync(cancellationToken);
        await session.Engine.CheckAsync(session, [], cancellationToken);
        await ThrowIfTakenAsync(session, cancellationToken);
        await ApplyAsync(session, state, version, static _ => { }, cancellationToken);
        return version;
    }

    /// <summary>Brings the schema up to date in a transaction that has it locked.</summary>
    /// <returns>The files that were applied.</returns>
    public async Task<IReadOnlyList<string>> UpgradeAsync(
        Session session, Action<SchemaStep> progress, CancellationToken cancellationToken)
    {
        var state = await ReadStateAsync(session, cancellationToken);
        ThrowIfTooOld(state);
        if (state.Version < Version)
        {
            await session.LiftTimeLimitsAsync(cancellationToken);
            await session.Engine.CheckAsync(session, [], cancellationToken);
        }

        if (state.Version == 0)
            await ThrowIfTakenAsync(session, cancellationToken);
        await session.Engine.LockTablesAsync(session, SchemaFile.TablesChangedAfter(state.Version, _migrations), cancellationToken);
        var applied = await ApplyAsync(session, state, Version, progress, cancellationToken);
        await session.Engine.FollowAsync(session, _tables, cancellationToken);
        await session.Engine.ProtectAsync(session, _tables, cancellationToken);
        await session.Engine.CheckAsync(session, _tables, cancellationToken);
        return applied;
    }

    private async Task<IReadOnlyList<string>> WaitAndApplyAsync(Action<SchemaStep> progress, CancellationToken cancellationToken)
    {
        var startedAt = RealTime.GetTimestamp();
        for (var waits = false; ; waits = true)
        {
            if (await TryApplyAsync(progress, cancellationToken) is { } applied)
                return applied;
            if (RealTime.GetElapsedTime(startedAt) > MaxWait)
            {
                throw new SchemaIncompatibleException(
                    $"Another server or command has kept the schema or the database locked for {MaxWait.TotalMinutes} minutes.");
            }

            if (!waits)
                Log.Waiting(logger, (int)MaxWait.TotalMinutes);
            await Task.Delay(RetryDelay, RealTime, cancellationToken);
        }
    }

    /// <returns>null: another instance has the schema locked.</returns>
    private async Task<IReadOnlyList<string>?> TryApplyAsync(Action<SchemaStep> progress, CancellationToken cancellationToken)
    {
        try
        {
            return await ApplyMigrationsAsync(progress, cancellationToken);
        }
        catch (StoreUnavailableException exception) when (database.Engine.IsLockedElsewhere(exception.InnerException))
        {
            return null;
        }
    }

    private Task<IReadOnlyList<string>?> ApplyMigrationsAsync(Action<SchemaStep> progress, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session => await session.Engine.TryLockSchemaAsync(session, cancellationToken)
                ? await UpgradeAsync(session, progress, cancellationToken)
                : null,
            cancellationToken);

    private async Task<List<string>> ApplyAsync(
        Session session, SchemaState state, int version, Action<SchemaStep> progress, CancellationToken cancellationToken)
    {
        var applied = new List<string>();
        var missing = _migrations.Where(migration => migration.Version > state.Version && migration.Version <= version).ToList();
        foreach (var migration in missing)
        {
            progress(new SchemaStep(migration.Name, applied.Count, missing.Count));
            await session.ExecuteScriptAsync(migration.Script, cancellationToken);
            await session.ExecuteAsync(
                $"""
                insert into schema_versions (version, name, compatible_from, applied_at)
                values ({migration.Version}, {migration.Name}, {migration.CompatibleFrom}, {time.GetInstant()})
                """,
                cancellationToken);
            applied.Add(migration.Name);
        }
        return applied;
    }

    /// <exception cref="SchemaIncompatibleException">Another process changes the schema.</exception>
    private static async Task<SchemaState> LockStateAsync(Session session, CancellationToken cancellationToken) =>
        await session.Engine.TryLockSchemaAsync(session, cancellationToken)
            ? await ReadStateAsync(session, cancellationToken)
            : throw new SchemaIncompatibleException("Another server or command is changing the schema. Stop it, and try again.");

    private static async Task<SchemaState> ReadStateAsync(Session session, CancellationToken cancellationToken)
    {
        if (!await session.Engine.TableExistsAsync(session, "schema_versions", cancellationToken))
            return new SchemaState(0, 0);
        try
        {
            return await session.FirstAsync(
                $"select max(version), max(compatible_from) from schema_versions having count(*) > 0",
                static row => new SchemaState(row.Int32(0), row.Int32(1)),
                cancellationToken) ?? new SchemaState(0, 0);
        }
        catch (Exception exception) when (session.Engine.LacksColumn(exception))
        {
            throw new SchemaIncompatibleException(Taken(["schema_versions"]));
        }
    }

    /// <summary>Checks that no table has a name that a script needs: the script would fail, without a word about what to do.</summary>
    private async Task ThrowIfTakenAsync(Session session, CancellationToken cancellationToken)
    {
        var taken = await session.Engine.FindRelationsAsync(session, _tables, cancellationToken);
        if (taken.Count > 0)
            throw new SchemaIncompatibleException(Taken(taken));
    }

    private static string Taken(List<string> names) =>
        $"The database has {(names.Count == 1 ? "a table" : "tables")} {string.Join(", ", names)} of another application, where the server "
        + $"makes {(names.Count == 1 ? "one" : "its own")} of the same name. "
        + (names.Exists(static name => name.Split('.')[^1] == "profiles")
            ? "If it is a Supabase project that followed the billing guide, the command 'import supabase' takes it over "
                + "(docs/supabase.md). Otherwise name another database in DATABASE_URL, or rename what is there."
            : "Name another database in DATABASE_URL, or rename what is there.");

    private void ThrowIfTooOld(SchemaState state)
    {
        if (state.CompatibleFrom > Version)
        {
            throw new SchemaIncompatibleException(
                $"The database's schema (version {state.Version}) needs a server of schema version {state.CompatibleFrom} or later; "
                + $"this one has {Version}. Upgrade the server.");
        }
    }

    private sealed record SchemaState(int Version, int CompatibleFrom);

    private static partial class Log
    {
        [LoggerMessage(
            1, LogLevel.Warning,
            "Another server or command is changing the schema, or keeps the database locked: waiting for it, for up to {Minutes} minutes")]
        public static partial void Waiting(ILogger logger, int minutes);
    }
}

/// <summary>A schema file that is applied now.</summary>
/// <param name="Name">The file's.</param>
/// <param name="Applied">Files before it.</param>
/// <param name="All">Files that are applied in all.</param>
internal sealed record SchemaStep(string Name, int Applied, int All);

internal sealed class SchemaIncompatibleException(string message) : Exception(message);
