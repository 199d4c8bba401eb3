using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>
/// A standby that is promoted begins a higher timeline. A server of a lower one is a former primary that starts again by itself: keys that
/// were revoked since are alive there, and what it stores is lost. Remembers the highest timeline until this process ends. Thread-safe.
/// </summary>
internal sealed class FormerPrimaries
{
    /// <summary>SQL for the number of the timeline, in hexadecimal.</summary>
    public const string Timeline = "left(pg_walfile_name(pg_current_wal_lsn()), 8)";

    /// <summary>SQL for a number that stays the same when a standby is promoted.</summary>
    public const string SystemIdentifier = "(select system_identifier from pg_control_system())::text";

    private readonly ConcurrentDictionary<string, long> _timelines = new(StringComparer.Ordinal);
    private volatile bool _isUnknown;

    /// <summary>
    /// Checks the server of a connection. Returns whether it is another one than before: older connections lead elsewhere.
    /// </summary>
    /// <exception cref="UnusableHostException">This server is a former primary.</exception>
    public async Task<bool> CheckAsync(NpgsqlConnection connection)
    {
        if (_isUnknown)
            return false;
        try
        {
            await using var command = new NpgsqlCommand(
                $"""
                select case when not pg_is_in_recovery() then {SystemIdentifier} || ' ' || {Timeline} end
                """,
                connection);
            return await command.ExecuteScalarAsync() is string found && Check(found);
        }
        catch (PostgresException exception) when (PostgresErrors.LacksLineage(exception.SqlState))
        {
            _isUnknown = true;
            return false;
        }
    }

    private bool Check(string found)
    {
        var parts = found.Split(' ');
        var timeline = long.Parse(parts[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var before = _timelines.GetOrAdd(parts[0], timeline);
        if (timeline < before)
            throw new UnusableHostException(UnusableHostException.FormerPrimary);
        return timeline > before && _timelines.TryUpdate(parts[0], timeline, before);
    }
}
