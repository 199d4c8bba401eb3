using System.Text.Json;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Mcp;

/// <summary>What a client can show or read by itself, as JSON.</summary>
/// <param name="createClient">A client for each read.</param>
/// <param name="profile">The value of <c>--profile</c>.</param>
internal sealed class McpResources(Func<PyResolveClient> createClient, string? profile)
{
    /// <exception cref="RpcException">There is no such resource, or it cannot be read now: why, and what to do.</exception>
    public async Task<string> ReadAsync(string uri, CancellationToken cancellationToken)
    {
        try
        {
            await using var client = createClient();
            return uri switch
            {
                McpLists.Plan => await ReadPlanAsync(client, cancellationToken),
                McpLists.Usage => await ReadUsageAsync(client, cancellationToken),
                _ => throw new RpcException(RpcException.InvalidParams, $"There is no resource {uri}."),
            };
        }
        catch (Exception e) when (e is CliException or PyResolveException)
        {
            var refusal = McpRefusal.Describe(e, profile);
            throw new RpcException(
                RpcException.InternalError, McpRefusal.Text(refusal), writer => McpTools.Refuse(refusal).Content.WriteTo(writer));
        }
    }

    private async Task<string> ReadPlanAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        var account = client.Keys.FindApiKey() is null
            ? throw Failures.NotLoggedIn(profile)
            : await client.GetAccountAsync(cancellationToken);
        var plans = CliJson.Wire(new(await client.GetPlansAsync(cancellationToken)), WireJson.Default.PlanList).GetProperty("data");
        return CliJson.Write(
            new PlanReport(account.Plan, CliJson.Wire(account.Quota, WireJson.Default.QuotaSnapshot), plans));
    }

    private async Task<string> ReadUsageAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        if (client.Keys.FindApiKey() is null)
            throw Failures.NotLoggedIn(profile);
        var usage = await client.GetUsageAsync(cancellationToken: cancellationToken);
        return CliJson.Write(new UsageReport(CliJson.Wire(usage, WireJson.Default.UsageStatistics)));
    }
}
