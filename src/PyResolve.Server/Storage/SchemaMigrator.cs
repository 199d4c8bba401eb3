using System.Globalization;
using System.Reflection;

namespace PyResolve.Server.Storage;

/// <summary>
/// Brings the schema up to date from the numbered files of the engine's folder. Several instances may start at once: a lock that ends
/// with the transaction lets one work and the others find nothing left to do. Files only ever expand the schema; each says, as its
/// <c>compatible_from</c>, the oldest version whose servers can still work with it.
/// </summary>
internal sealed class SchemaMigrator(Database database, TimeProvider time)
{
    private const string CompatibleFromMark = "-- compatible_from:";

    private readonly IReadOnlyList<Migration> _migrations = Load(database.Engine.Name);

    /// <summary>The version that this server was built with.</summary>
    public int Version => _migrations[^1].Version;

    /// <returns>The names of the files that were applied now.</returns>
    /// <exception cref="SchemaIncompatibleException">The database was made for newer servers only.</exception>
    public Task<IReadOnlyList<string>> ApplyAsync(CancellationToken cancellationToken) => database.WriteAsync<IReadOnlyList<string>>(
        async session =>
        {
            await session.Engine.LockSchemaAsync(session, cancellationToken);
            var state = await ReadStateAsync(session, cancellationToken);
            ThrowIfTooOld(state);

            var applied = new List<string>();
            foreach (var migration in _migrations.Where(migration => migration.Version > state.Version))
            {
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
        },
        cancellationToken);

    /// <summary>Throws unless this server can work with the schema as it is now.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var state = await database.ReadAsync(session => ReadStateAsync(session, cancellationToken), cancellationToken);
        if (state.Version == 0)
            throw new SchemaIncompatibleException("The database has no schema yet. Run the server's command migrate-schema.");
        if (state.Version < Version)
        {
            throw new SchemaIncompatibleException(
                $"The database's schema has version {state.Version}; this server needs {Version}. Restart it, or run the server's command migrate-schema.");
        }

        ThrowIfTooOld(state);
    }

    private static async Task<SchemaState> ReadStateAsync(Session session, CancellationToken cancellationToken)
    {
        if (!await session.Engine.TableExistsAsync(session, "schema_versions", cancellationToken))
            return new SchemaState(0, 0);
        return await session.FirstAsync(
            $"select max(version), max(compatible_from) from schema_versions",
            static row => new SchemaState(row.Int32(0), row.Int32(1)),
            cancellationToken) ?? new SchemaState(0, 0);
    }

    private void ThrowIfTooOld(SchemaState state)
    {
        if (state.CompatibleFrom > Version)
        {
            throw new SchemaIncompatibleException(
                $"The database's schema (version {state.Version}) needs a server of schema version {state.CompatibleFrom} or later; this one has {Version}. Upgrade the server.");
        }
    }

    private static List<Migration> Load(string engine)
    {
        var assembly = typeof(SchemaMigrator).Assembly;
        var folder = $"schema/{engine}/";
        return
        [
            .. from resource in assembly.GetManifestResourceNames()
               let path = resource.Replace('\\', '/')
               where path.StartsWith(folder, StringComparison.Ordinal)
               orderby path
               select Parse(Path.GetFileNameWithoutExtension(path), ReadResource(assembly, resource)),
        ];
    }

    private static Migration Parse(string name, string script)
    {
        var mark = script.Split('\n').Single(line => line.StartsWith(CompatibleFromMark, StringComparison.Ordinal));
        return new Migration(
            int.Parse(name[..4], NumberStyles.None, CultureInfo.InvariantCulture),
            name,
            int.Parse(mark[CompatibleFromMark.Length..].Trim(), NumberStyles.None, CultureInfo.InvariantCulture),
            script);
    }

    private static string ReadResource(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    private sealed record Migration(int Version, string Name, int CompatibleFrom, string Script);

    private sealed record SchemaState(int Version, int CompatibleFrom);
}

/// <summary>This server and the database's schema do not fit together. The message says what mends it.</summary>
internal sealed class SchemaIncompatibleException(string message) : Exception(message);
