using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

internal static class StatusCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("status", "Show who is logged in, and this month's quota.");
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, GlobalOptions.GetProfile(parse), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, string? profile, CancellationToken cancellationToken)
    {
        await using var client = ClientFactory.Create(profile);
        var credential = client.Keys.FindApiKey() ?? throw Failures.NotLoggedIn(client.Keys.FindProfile());
        Warn(terminal, client.Keys, credential);

        var account = await client.GetAccountAsync(cancellationToken);
        var source = credential.Source == SettingSource.Environment ? ApiKeyStore.ApiKeyVariable
            : credential.Profile is { } name ? $"{credential.ConfigPath}, profile {name}" : credential.ConfigPath;
        terminal.Line($"Email:  {account.Email}");
        terminal.Line($"Plan:   {account.Plan.ToUpperInvariant()}");
        terminal.Line($"Server: {client.ApiUrl.AbsoluteUri.TrimEnd('/')}");
        terminal.Line($"Key:    {credential.MaskedKey} (from {source})");
        terminal.Line();
        terminal.Line(account.Quota.Month is { } month ? $"This month ({month}):" : "This month:");
        terminal.Line($"  Migrations: {QuotaText.FormatUsage(account.Quota)}");
        terminal.Line($"  LLM access: {(account.Quota.LlmAllowed ? "✓" : "✗ (upgrade to Pro)")}");
        if (QuotaText.FormatResetTime(account.Quota) is { } resets)
            terminal.Line($"  Resets:     {resets}");
        return ExitCodes.Success;
    }

    private static void Warn(Terminal terminal, ApiKeyStore keys, ApiKeyCredential credential)
    {
        if (credential.Source == SettingSource.Environment)
            keys.WarnOfOverriddenKey(terminal, credential.Key);
        if (keys.Warning is { } warning)
            terminal.Warning(warning);
    }
}
