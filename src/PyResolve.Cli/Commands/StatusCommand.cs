using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

internal static class StatusCommand
{
    public const string CommandName = "status";

    private static readonly Option<bool> Explain =
        new("--explain") { Description = "Also say why the last upgrade here was granted or denied." };

    public static Command Create(Terminal terminal)
    {
        var command = new ExplainedCommand(
            CommandName, "Show who is logged in, and this month's quota. Sends usage that waits.",
            "pyresolve status", "pyresolve status --explain", "pyresolve status --profile work --json")
        {
            Explain, GlobalOptions.Json,
        };
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, parse, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var profile = GlobalOptions.GetProfile(parse);
        await using var client = ClientFactory.CreateLoggedIn(profile);
        var credential = client.Keys.FindApiKey()!;
        Warn(terminal, client.Keys, credential);

        // What was used offline counts, so it is sent first. Where that fails, the next request says why.
        await WaitingUsage.SendAsync(client, cancellationToken);
        var account = await GetAccountAsync(client, profile, cancellationToken);
        var prepaid = await PrepayCommand.FindAsync(client, cancellationToken);
        var decision = parse.GetValue(Explain) ? await DecisionText.FindAsync(client, cancellationToken) : null;
        if (parse.GetValue(GlobalOptions.Json))
        {
            terminal.Exact(CliJson.Write(Describe(client, credential, account, prepaid) with { LastDecision = decision }));
            return ExitCodes.Success;
        }

        Show(terminal, client, credential, account);
        ShowPrepaid(terminal, prepaid);
        if (parse.GetValue(Explain))
            DecisionText.Show(terminal, decision);
        return ExitCodes.Success;
    }

    private static async Task<AccountInfo> GetAccountAsync(
        PyResolveClient client, string? profile, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetAccountAsync(cancellationToken);
        }
        catch (PyResolveException e) when (WaitingUsage.Describe(client) is not null)
        {
            var failure = Failures.Describe(e, profile);
            throw new CliException(failure.ExitCode, failure.Message, [.. failure.Next, $"Waiting: {WaitingUsage.Describe(client)}"]);
        }
    }

    private static StatusReport Describe(
        PyResolveClient client, ApiKeyCredential credential, AccountInfo account, IReadOnlyList<PrepaidQuota> prepaid) => new(
        account.UserId,
        account.Email,
        account.Plan,
        client.ApiUrl.AbsoluteUri.TrimEnd('/'),
        new StatusKey(
            credential.MaskedKey.TrimEnd('…'),
            credential.Source == SettingSource.Environment ? "environment" : "config_file",
            credential.Source == SettingSource.Environment ? null : credential.ConfigPath,
            credential.Profile),
        CliJson.Wire(account.Quota, WireJson.Default.QuotaSnapshot),
        new StatusWaiting(client.Usage.Pending, (long)client.Usage.OldestPendingAge.TotalSeconds),
        [.. prepaid.Select(PrepayCommand.Describe)]);

    private static void Show(Terminal terminal, PyResolveClient client, ApiKeyCredential credential, AccountInfo account)
    {
        var source = credential.Source == SettingSource.Environment ? ApiKeyStore.ApiKeyVariable
            : credential.Profile is { } name ? $"{credential.ConfigPath}, profile {name}" : credential.ConfigPath;
        terminal.Line($"Email:  {account.Email}");
        terminal.Line($"Plan:   {terminal.Paint(account.Plan.ToUpperInvariant(), Colour.Bold)}");
        terminal.Line($"Server: {client.ApiUrl.AbsoluteUri.TrimEnd('/')}");
        terminal.Line($"Key:    {credential.MaskedKey} (from {source})");
        terminal.Line();
        terminal.Line(account.Quota.Month is { } month ? $"This month ({month}):" : "This month:");
        if (QuotaText.FormatBar(terminal, account.Quota) is { } bar)
            terminal.Line($"  {bar}");
        terminal.Line($"  Migrations: {QuotaText.FormatUsage(account.Quota)}");
        if (account.Quota.Credits is { } credits)
            terminal.Line($"  Credits:    {QuotaText.FormatNumber(credits)} left, for when the plan's are used up");
        if (account.Quota is { OverageUsed: { } overage, OverageCap: { } cap })
            terminal.Line($"  Overage:    {QuotaText.FormatNumber(overage)} of {QuotaText.FormatNumber(cap)}, billed afterwards");
        terminal.Line($"  LLM access: {(account.Quota.LlmAllowed ? terminal.Tick : $"{terminal.Cross} (upgrade to Pro)")}");
        if (QuotaText.FormatResetTime(account.Quota) is { } resets)
            terminal.Line($"  Resets:     {resets}");
        if (WaitingUsage.Describe(client) is { } waiting)
            terminal.Line($"  Waiting:    {waiting}");
    }

    private static void ShowPrepaid(Terminal terminal, IReadOnlyList<PrepaidQuota> prepaid)
    {
        foreach (var one in prepaid)
        {
            if (one.Remaining > 0)
                terminal.Line($"  Prepaid:    {PrepayCommand.Sentence(one)}");
            if (one.Problem is { } problem)
                terminal.Warning($"{QuotaText.NameOf(one.Tier)}: {problem}.");
        }
    }

    private static void Warn(Terminal terminal, ApiKeyStore keys, ApiKeyCredential credential)
    {
        if (credential.Source == SettingSource.Environment)
            keys.WarnOfOverriddenKey(terminal, credential.Key);
        if (keys.Warning is { } warning)
            terminal.Warning(warning);
    }
}
