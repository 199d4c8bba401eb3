using System.Diagnostics;
using PyResolve.Server.Access;
using PyResolve.Server.Statistics;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Admin;

internal static class UsageCommands
{
    private const int Same = 0;
    private const int Different = 1;
    private const int WrongUsage = 2;
    private const string Account = "--account";
    private const string Month = "--month";
    private const string DryRun = "--dry-run";

    public static (CommandOptions Options, string[] Settings) TakeOptions(string[] arguments) =>
        CommandOptions.Take(arguments, withValue: [Account, Month], alone: [DryRun]);

    /// <summary>Recounts the rollups, says what differs, and sets it right unless this is a dry run.</summary>
    public static async Task<int> RecomputeAsync(IServiceProvider services, CommandOptions options)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(CancellationToken.None);
        if (options[Month] is { } month && !StatisticsQuery.IsMonth(month))
            return await RefuseAsync($"{Month} {month}: must be a calendar month, such as 2026-11.");
        var userId = options[Account] is { } account ? await FindAccountAsync(services, account) : null;
        if (options[Account] is { } unknown && userId is null)
            return await RefuseAsync($"{Account} {unknown}: there is no such e-mail, and it is no account's id. The command 'accounts list' shows them all.");

        var time = services.GetRequiredService<TimeProvider>();
        var start = time.GetTimestamp();
        var scope = new RecountScope(userId, options[Month], Repair: !options.Has(DryRun));
        var result = await services.GetRequiredService<RollupRecount>().RunAsync(scope, Report, CancellationToken.None);

        await Console.Out.WriteLineAsync($"{Describe(result, scope)} Took {time.GetElapsedTime(start).TotalSeconds:0.0} s, at most {PeakMegabytes()} MB of memory.");
        return result.Differences == 0 ? Same : Different;
    }

    private static void Report(RollupDifference difference) => Console.Out.WriteLine(
        $"{difference.Table} {difference.UserId} {difference.Month} {Quote(difference.Row)}{difference.Column}: was {difference.Was}, is {difference.Is}");

    private static string Describe(RecountResult result, RecountScope scope)
    {
        var counted = $"Recounted {Count(result.Events, "event")} of {Count(result.Accounts, "account")} in {Count(result.Months, "month")}:";
        return (result.Differences, scope.Repair) switch
        {
            (0, _) => $"{counted} no difference.",
            (var count, true) => $"{counted} {Count(count, "difference")}, repaired.",
            (var count, false) => $"{counted} {Count(count, "difference")}, not repaired.",
        };
    }

    private static string Count(long number, string what) => number == 1 ? $"1 {what}" : $"{number:N0} {what}s";

    /// <summary>A library's name is whatever somebody sent.</summary>
    private static string Quote(string row) => row.Length == 0 ? "" : $"'{string.Concat(row.Select(character => char.IsControl(character) ? '\uFFFD' : character))}' ";

    /// <summary>By id, which a deleted account still has, or by e-mail.</summary>
    private static async Task<Guid?> FindAccountAsync(IServiceProvider services, string account)
    {
        if (Guid.TryParseExact(account, "D", out var id))
            return id;
        return (await services.GetRequiredService<Database>().FindAccountAsync(account, CancellationToken.None))?.User.Id;
    }

    private static long PeakMegabytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 / (1024 * 1024);
    }

    private static async Task<int> RefuseAsync(string message)
    {
        await Console.Error.WriteLineAsync(message);
        return WrongUsage;
    }
}
