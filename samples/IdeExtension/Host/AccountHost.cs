using PyResolve.Client;
using PyResolve.Client.Wire;
using StreamJsonRpc;

namespace PyResolve.IdeHost;

/// <summary>
/// What an IDE asks for, as JSON-RPC methods in camelCase without the ending Async. Each call makes a client of its own, so that a login of
/// the command line, or of another IDE, counts at once. The key never leaves this process.
/// </summary>
public sealed class AccountHost(Func<LogInPrompt, Task> prompt)
{
    private const int Protocol = 1;

    /// <summary>The first error code that JSON-RPC leaves to applications.</summary>
    private const int Failed = -32000;

    private string _ide = "an IDE";

    /// <param name="ide">Its name, such as <c>Visual Studio Code</c>: what a login asks for is shown under it.</param>
    public HostInfo Initialize(string ide)
    {
        _ide = ide;
        return new HostInfo(Protocol, typeof(AccountHost).Assembly.GetName().Version!.ToString(3));
    }

    public Task<AccountStatus> GetStatusAsync(CancellationToken cancellationToken) =>
        CallAsync(client => ReadAsync(client, cancellationToken));

    /// <summary>Takes until the user has approved or denied it in a browser. Cancel the request to stop.</summary>
    public Task<AccountStatus> LogInAsync(CancellationToken cancellationToken) => CallAsync(async client =>
    {
        var request = new DeviceCodeRequest
        {
            ClientId = $"{_ide} on {Environment.MachineName}",
            Scope = string.Join(' ', Scopes.DeviceAllowed),
        };
        var login = await client.StartDeviceLogInAsync(request, cancellationToken);
        await prompt(new LogInPrompt(new Uri(login.VerificationUriComplete ?? login.VerificationUri), login.UserCode));
        var approved = await client.WaitForDeviceLogInAsync(login, cancellationToken);
        // A key is of no use elsewhere, so that it is saved with the addresses of the service that made it.
        client.Keys.SaveWithServers(approved.ApiKey, client.ApiUrls);
        await using var loggedIn = Create();
        return await ReadAsync(loggedIn, cancellationToken);
    });

    public Task<AccountStatus> LogOutAsync(CancellationToken cancellationToken) => CallAsync(async client =>
    {
        client.Keys.RemoveApiKey();
        await using var loggedOut = Create();
        return await ReadAsync(loggedOut, cancellationToken);
    });

    public Task<IReadOnlyList<PlanOffer>> GetPlansAsync(CancellationToken cancellationToken) => CallAsync<IReadOnlyList<PlanOffer>>(
        async client => [.. (await client.GetPlansAsync(cancellationToken)).Select(Describe)]);

    /// <summary>The page where a plan is bought, or, for somebody who has subscribed, changed.</summary>
    public Task<WebPage> StartCheckoutAsync(string plan, CancellationToken cancellationToken) => CallAsync(async client =>
    {
        try
        {
            return new WebPage(new Uri((await client.StartCheckoutAsync(plan, cancellationToken)).CheckoutUrl));
        }
        catch (PyResolveException e) when (e.Problem is { Code: ProblemCodes.AlreadySubscribed, PortalUrl: { } portal })
        {
            return new WebPage(new Uri(portal));
        }
    });

    /// <summary>The page with the invoices and the card.</summary>
    public Task<WebPage> OpenBillingAsync(CancellationToken cancellationToken) => CallAsync(
        async client => new WebPage(new Uri((await client.OpenPortalAsync(cancellationToken)).PortalUrl)));

    private static async Task<AccountStatus> ReadAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        if (client.Keys.FindApiKey() is not { } key)
            return new AccountStatus(client.ApiUrl, Account: null);
        var account = await client.GetAccountAsync(cancellationToken);
        var quota = account.Quota;
        var details = new QuotaDetails(
            quota.MigrationsUsed, quota.MigrationsHeld, quota.MigrationsLimit.Value, quota.MigrationsRemaining.Value, quota.LlmAllowed,
            quota.ResetsAt);
        var source = key.Source == SettingSource.Environment ? "environment" : "config_file";
        return new AccountStatus(client.ApiUrl, new AccountDetails(account.Email, account.Plan, details, source));
    }

    private static PlanOffer Describe(PlanInfo plan)
    {
        var price = plan.Price is { } one ? $"{one.Amount / 100m:0.00} {one.Currency.ToUpperInvariant()} a {one.Interval}" : null;
        return new PlanOffer(plan.Name, plan.MigrationsLimit.Value, plan.LlmAllowed, price);
    }

    private static PyResolveClient Create() =>
        PyResolveClient.Create(new PyResolveClientOptions { ApplicationName = "PyResolve.IdeHost/1.0" });

    private static async Task<T> CallAsync<T>(Func<PyResolveClient, Task<T>> call)
    {
        try
        {
            await using var client = Create();
            return await call(client);
        }
        catch (PyResolveException e)
        {
            throw new LocalRpcException(e.Cause, e) { ErrorCode = Failed, ErrorData = new HostError(e.Code, e.Hint) };
        }
    }
}
