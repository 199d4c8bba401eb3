using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>Throws away what counts for nothing any more, in small batches beside the requests: attempts, emails' secrets, sessions.</summary>
internal sealed partial class Housekeeping(Database database, TimeProvider time, ILogger<Housekeeping> logger) : RepeatedWork(Interval, time)
{
    private const int BatchSize = 500;

    /// <summary>Longer than any throttle's window.</summary>
    private static readonly TimeSpan AttemptsKept = TimeSpan.FromDays(1);
    private static readonly TimeSpan TokensKept = TimeSpan.FromDays(1);
    private static readonly TimeSpan SessionsKept = TimeSpan.FromDays(30);

    public static TimeSpan Interval { get; } = TimeSpan.FromMinutes(10);

    protected override void Failed(Exception exception) => Log.PutOff(logger, exception);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        var now = Time.GetInstant();
        await RepeatAsync(
            () => $"delete from attempts where id in (select id from attempts where at < {now - AttemptsKept} order by at limit {BatchSize})",
            cancellationToken);
        await RepeatAsync(
            () => $"delete from email_tokens where token_digest in (select token_digest from email_tokens where expires_at < {now - TokensKept} limit {BatchSize})",
            cancellationToken);
        await RepeatAsync(
            () => $"delete from sessions where id in (select id from sessions where expires_at < {now - SessionsKept} limit {BatchSize})",
            cancellationToken);
    }

    private async Task RepeatAsync(Func<Sql> statement, CancellationToken cancellationToken)
    {
        while (await database.ExecuteAsync(statement(), cancellationToken) == BatchSize)
            await Task.Yield();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "What is out of date was not thrown away; trying again later")]
        public static partial void PutOff(ILogger logger, Exception exception);
    }
}
