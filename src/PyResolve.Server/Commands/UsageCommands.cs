using System.CommandLine;
using System.Diagnostics;
using PyResolve.Server.Access;
using PyResolve.Server.Statistics;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class UsageCommands
{
    private const int Same = 0;
    private const int Different = 1;

    public static Command Create(RunOperatorCommand run)
    {
        var account = new Option<string?>("--account") { Description = "One account alone", HelpName = "id or email" };
        var month = new Option<string?>("--month") { Description = "One month alone", HelpName = "yyyy-mm" };
        var dryRun = new Option<bool>("--dry-run")
        {
            Description = "Report the differences, and change nothing",
            Arity = ArgumentArity.Zero,
        };
        var recompute = new Command("recompute", "Add usage up again from its events, and fix what differs: exit code 1 if anything did")
        {
            account, month, dryRun,
        };
        // Otherwise a switch after --account or --month would be taken for its value.
        foreach (var option in new[] { account, month })
        {
            option.Validators.Add(result =>
            {
                if (result.Tokens is [{ Value: var value }] && value.StartsWith('-'))
                    result.AddError($"{option.Name} takes a value: {option.Name}=value.");
            });
        }

        recompute.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => RecomputeAsync(services, parse.GetValue(account), parse.GetValue(month), parse.GetValue(dryRun), token),
            cancellationToken));
        return new Command("usage", "Check usage against its events") { recompute };
    }

    private static async Task<int> RecomputeAsync(
        IServiceProvider services, string? account, string? month, bool isDryRun, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (month is not null && !StatisticsQuery.IsMonth(month))
            return await OperatorOutput.RefuseAsync($"--month {month}: must be a calendar month, such as 2026-11.");
        var database = services.GetRequiredService<Database>();
        var userId = account is null ? null : await database.FindAccountIdAsync(account, cancellationToken);
        if (account is not null && userId is null)
        {
            return await OperatorOutput.RefuseAsync(
                $"--account {account}: there is no such email, and no account has this id. The command 'accounts list' shows them all.");
        }

        var time = services.GetRequiredService<TimeProvider>();
        var start = time.GetTimestamp();
        var scope = new RecountScope(userId, month, Repair: !isDryRun);
        using var line = new ProgressLine("Recounted", "accounts");
        var result = await services.GetRequiredService<RollupRecount>().RunAsync(
            scope,
            difference =>
            {
                line.Clear();
                Report(difference);
            },
            total => line.Report("usage", total.Accounts),
            cancellationToken);
        line.Clear();

        await Console.Out.WriteLineAsync(
            $"{Describe(result, scope)} Took {time.GetElapsedTime(start).TotalSeconds:0.0} s, at most {PeakMegabytes()} MB of memory.");
        return result.Differences == 0 ? Same : Different;
    }

    private static void Report(RollupDifference difference) => Console.Out.WriteLine(
        $"{difference.Table} {difference.UserId} {difference.Month} {Quote(difference.Row)}{difference.Column}: was {difference.Was}, "
            + $"is {difference.Is}");

    private static string Describe(RecountResult result, RecountScope scope)
    {
        var counted =
            $"Recounted {Count(result.Events, "event")} of {Count(result.Accounts, "account")} "
            + $"({Count(result.Months, "account-month")}):";
        return (result.Differences, scope.Repair) switch
        {
            (0, _) => $"{counted} no difference.",
            (var count, true) => $"{counted} {Count(count, "difference")}, repaired.",
            (var count, false) => $"{counted} {Count(count, "difference")}, not repaired.",
        };
    }

    private static string Count(long number, string what) => number == 1 ? $"1 {what}" : $"{number:N0} {what}s";

    /// <summary>A library's name comes from clients: control characters must not reach the terminal.</summary>
    private static string Quote(string row) =>
        row.Length == 0 ? "" : $"'{string.Concat(row.Select(character => char.IsControl(character) ? '\uFFFD' : character))}' ";

    private static long PeakMegabytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 / (1024 * 1024);
    }
}
