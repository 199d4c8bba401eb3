namespace PyResolve.StripeSimulator;

/// <summary>
/// Starts a simulator inside a server in Development. <c>PyResolve.Server</c> does not reference this assembly: it loads the file and finds
/// this method by name, so the signature has only types of .NET. Both sides are built together.
/// </summary>
public static class EmbeddedSimulator
{
    /// <summary>Starts a simulator on a free port, which logs warnings and errors to the console.</summary>
    /// <returns>Its address, the key that it accepts, what registers a webhook endpoint (URL, secret, API version), and the running host.</returns>
    public static async Task<(Uri Address, string SecretKey, Action<Uri, string, string> AddWebhookEndpoint, IAsyncDisposable Host)> StartAsync(
        string environment, CancellationToken cancellationToken)
    {
        var host = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions { Environment = environment, Logs = true }, cancellationToken);
        return (host.Address, host.SecretKey, (url, secret, apiVersion) => host.Simulation.AddWebhookEndpoint(url, secret, apiVersion), host);
    }
}
