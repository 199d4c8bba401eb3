using System.Text.Json;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Mcp;

/// <summary>The tools. A failure is an answer of the tool, with what to do next, and not an error of the protocol.</summary>
/// <param name="createClient">A client for each call, so that a login or a change of the config file counts at once.</param>
/// <param name="profile">The value of <c>--profile</c>.</param>
internal sealed class McpTools(McpUpgrades upgrades, Func<PyResolveClient> createClient, string? profile)
{
    private static readonly TimeSpan SendingTime = TimeSpan.FromSeconds(5);

    /// <exception cref="RpcException">There is no such tool.</exception>
    public async Task<McpResult> CallAsync(McpCall call, CancellationToken cancellationToken)
    {
        try
        {
            return call.Tool switch
            {
                McpLists.GetQuota => await GetQuotaAsync(call, cancellationToken),
                McpLists.CheckMigration => await upgrades.CheckAsync(call, createClient, cancellationToken),
                McpLists.RunUpgrade => await upgrades.RunAsync(call, createClient, cancellationToken),
                McpLists.ReportUsage => await ReportUsageAsync(call, cancellationToken),
                _ => throw new RpcException(RpcException.InvalidParams, $"There is no tool {call.Tool}."),
            };
        }
        catch (Exception e) when (e is CliException or PyResolveException or IOException or UnauthorizedAccessException)
        {
            return Refuse(McpRefusal.Describe(e, profile));
        }
    }

    public static McpResult Answer<T>(T report)
        where T : Report
    {
        var text = CliJson.Write(report);
        using var document = JsonDocument.Parse(text);
        return new McpResult(document.RootElement.Clone(), text, IsError: false);
    }

    public static McpResult Refuse(RefusalReport refusal) =>
        Answer(refusal) with { Text = McpRefusal.Text(refusal), IsError = true };

    private async Task<McpResult> GetQuotaAsync(McpCall call, CancellationToken cancellationToken)
    {
        call.Arguments.CheckNames();
        await using var client = createClient();
        ThrowIfLoggedOut(client);
        var account = await client.GetAccountAsync(cancellationToken);
        var quota = CliJson.Wire(account.Quota, WireJson.Default.QuotaSnapshot);
        return Answer(new QuotaReport(account.Email, account.Plan, quota, client.Usage.Pending));
    }

    private async Task<McpResult> ReportUsageAsync(McpCall call, CancellationToken cancellationToken)
    {
        call.Arguments.CheckNames("event_type", "library", "files_changed", "tokens_used", "metadata");
        var usage = ReadEvent(call.Arguments);
        await using var client = createClient();
        ThrowIfLoggedOut(client);
        var result = client.Usage.Report(usage);
        if (!result.IsAccepted)
            throw new CliException(ExitCodes.Failure, result.Reason);
        return Answer(new RecordedReport(result.EventId, await SendAsync(client, cancellationToken)));
    }

    private static UsageEvent ReadEvent(McpArguments arguments)
    {
        try
        {
            return new UsageEvent(arguments.GetText("event_type"))
            {
                Library = arguments.FindText("library"),
                FilesChanged = arguments.GetCount("files_changed"),
                TokensUsed = arguments.GetCount("tokens_used"),
                Metadata = arguments.FindObject("metadata"),
            };
        }
        catch (ArgumentException e)
        {
            throw CliException.Usage(e.Message.Split(" (Parameter")[0]);
        }
    }

    /// <returns>Whether the server has all that was reported. What it does not have waits on disk.</returns>
    /// <exception cref="PyResolveException">The server refused an event.</exception>
    private static async Task<bool> SendAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(SendingTime);
        try
        {
            await client.Usage.FlushAsync(limit.Token);
        }
        catch (PyResolveException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        return client.Usage.LastRejection is null ? true : throw client.Usage.LastRejection;
    }

    private void ThrowIfLoggedOut(PyResolveClient client)
    {
        if (client.Keys.FindApiKey() is null)
            throw Failures.NotLoggedIn(profile);
    }
}
