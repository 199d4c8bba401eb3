using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

internal sealed partial class Housekeeping(Database database, TimeProvider time, ILogger<Housekeeping> logger)
    : RepeatedWork(Interval, time)
{
    private const int BatchSize = 500;

    private static readonly SqlFragment[] TablesOfTokens = [new("email_tokens"), new("pending_logins"), new("email_changes")];

    // Longer than the window of any throttle.
    private static readonly TimeSpan AttemptsKept = TimeSpan.FromDays(1);
    private static readonly TimeSpan TokensKept = TimeSpan.FromDays(1);
    private static readonly TimeSpan NetworksKept = TimeSpan.FromDays(90);
    private static readonly TimeSpan SessionsKept = TimeSpan.FromDays(30);

    public static TimeSpan Interval { get; } = TimeSpan.FromMinutes(10);

    protected override void Failed(Exception exception) => Log.NotDeleted(logger, exception);

    protected override Task WorkAsync(CancellationToken cancellationToken) => DeleteOldAsync(cancellationToken);

    public async Task DeleteOldAsync(CancellationToken cancellationToken)
    {
        var now = Time.GetInstant();
        await RepeatAsync(
            () => $"""
                delete from attempts
                where id in (select id from attempts where at < {now - AttemptsKept} order by at limit {BatchSize})
                """,
            cancellationToken);
        await database.ExecuteAsync(SpentQuota.DeleteOld(now), cancellationToken);
        // A clock that is wrong for an hour must not log everybody out for good.
        if (await SettledTime.FindAsync(database, "sessions", "created_at", "id", now, cancellationToken) is not { } settled)
            return;
        foreach (var table in TablesOfTokens)
        {
            await RepeatAsync(
                () => $"""
                    delete from {table}
                    where token_digest in (
                        select token_digest from {table} where expires_at < {settled - TokensKept} limit {BatchSize})
                    """,
                cancellationToken);
        }

        await RepeatAsync(
            () => $"""
                delete from login_networks
                where (subject, network) in (
                    select subject, network from login_networks where seen_at < {settled - NetworksKept} order by seen_at limit {BatchSize})
                """,
            cancellationToken);
        await RepeatAsync(
            () => $"""
                delete from sessions
                where id in (select id from sessions where expires_at < {settled - SessionsKept} limit {BatchSize})
                """,
            cancellationToken);
    }

    private async Task RepeatAsync(Func<Sql> statement, CancellationToken cancellationToken)
    {
        while (await database.ExecuteAsync(statement(), cancellationToken) == BatchSize)
            await Task.Yield();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Old attempts, email tokens and sessions were not deleted; trying again later")]
        public static partial void NotDeleted(ILogger logger, Exception exception);
    }
}
