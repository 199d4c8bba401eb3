using System.CommandLine;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

internal static class StatusCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("status", "Show who is logged in, and this month's quota.");
        command.SetAction((_, cancellationToken) => RunAsync(terminal, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, CancellationToken cancellationToken)
    {
        await using var client = Connection.Open();
        var credential = client.Keys.Find() ?? throw Failures.NotLoggedIn();
        Warn(terminal, client.Keys, credential);

        var account = await client.GetAccountAsync(cancellationToken);
        var source = credential.Source == SettingSource.Environment ? ApiKeyStore.ApiKeyVariable : credential.ConfigPath;
        terminal.Line($"Email:  {account.Email}");
        terminal.Line($"Plan:   {account.Plan.ToUpperInvariant()}");
        terminal.Line($"Server: {client.ApiUrl.AbsoluteUri.TrimEnd('/')}");
        terminal.Line($"Key:    {credential.MaskedKey} (from {source})");
        terminal.Line();
        terminal.Line(account.Quota.Month is { } month ? $"This month ({month}):" : "This month:");
        terminal.Line($"  Migrations: {QuotaText.Used(account.Quota)}");
        terminal.Line($"  LLM access: {(account.Quota.LlmAllowed ? "✓" : "✗ (upgrade to Pro)")}");
        if (QuotaText.Resets(account.Quota) is { } resets)
            terminal.Line($"  Resets:     {resets}");
        return ExitCodes.Success;
    }

    private static void Warn(Terminal terminal, ApiKeyStore keys, ApiKeyCredential credential)
    {
        if (credential.Source == SettingSource.Environment && ConfigFile.Load(keys.ConfigPath).String("api_key") is { Length: > 0 } saved && saved != credential.Key)
            terminal.Warning($"{ApiKeyStore.ApiKeyVariable} overrides the key saved in {keys.ConfigPath}.");
        if (keys.Warning is { } warning)
            terminal.Warning(warning);
    }
}
