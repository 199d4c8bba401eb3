namespace PyResolve.Server.Storage;

/// <summary>Makes the schema in the place of another application's tables, and gives them their place back.</summary>
internal sealed class SchemaTakeover(Database database, SchemaMigrator schema)
{
    /// <summary>Makes the schema in a database that has another application's tables, with their rows in it.</summary>
    /// <param name="moveAway">Before the schema is made: locks the other tables, and gives them another place.</param>
    /// <param name="fill">Before browsers and triggers get at the new tables.</param>
    /// <param name="cancellationToken">Takes everything back.</param>
    /// <exception cref="SchemaIncompatibleException">The schema is there, or another process makes it.</exception>
    public Task<T> TakeOverAsync<T>(
        Func<Session, Task> moveAway, Func<Session, Task<T>> fill, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            if (await SchemaMigrator.LockVersionAsync(session, cancellationToken) > 0)
                throw new SchemaIncompatibleException("The database has the server's schema already.");
            await session.Engine.CheckAsync(session, [], cancellationToken);
            await session.LiftTimeLimitsAsync(cancellationToken);
            await moveAway(session);
            await schema.CreateAsync(session, cancellationToken);
            var result = await fill(session);
            await session.Engine.ProtectAsync(session, schema.TableNames, cancellationToken);
            await session.Engine.CheckAsync(session, schema.TableNames, cancellationToken);
            return result;
        },
        cancellationToken);

    /// <summary>Undoes <see cref="TakeOverAsync"/>.</summary>
    /// <param name="remove">Removes the schema.</param>
    /// <param name="cancellationToken">Takes everything back.</param>
    /// <exception cref="SchemaIncompatibleException">The schema is not this server's, or another process changes it.</exception>
    public Task TakeBackAsync(Func<Session, Task> remove, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var version = await SchemaMigrator.LockVersionAsync(session, cancellationToken);
            if (version == 0)
                throw new SchemaIncompatibleException("Nothing was changed. The database has none of the server's tables.");
            if (version != schema.Version)
            {
                throw new SchemaIncompatibleException(
                    $"Nothing was changed. The database's schema has version {version}, and this server makes {schema.Version}. "
                    + "Use the server that ran there last.");
            }

            await session.LiftTimeLimitsAsync(cancellationToken);
            await remove(session);
        },
        cancellationToken);
}
