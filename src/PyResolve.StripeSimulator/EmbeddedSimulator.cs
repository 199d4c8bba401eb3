namespace PyResolve.StripeSimulator;

/// <summary>Starts a simulator inside a server in Development. <c>PyResolve.Server</c> does not reference this assembly: it loads the file
/// and calls this method by name, so the signature has only .NET's own types. Both are built together.</summary>
public static class EmbeddedSimulator
{
    /// <summary>Starts a simulator on a free port, with warnings and errors logged to the console.</summary>
    /// <returns>Its address and key, a function that registers a webhook endpoint (URL, secret, API version), and the host.</returns>
    public static async Task<(Uri Address, string SecretKey, Action<Uri, string, string> AddWebhookEndpoint, IAsyncDisposable Host)>
        StartAsync(string environment, CancellationToken cancellationToken)
    {
        var host = await StripeSimulatorHost.StartAsync(
            new StripeSimulatorOptions { Environment = environment, Logs = true }, cancellationToken);
        return (host.Address, host.SecretKey, AddWebhookEndpoint, host);

        void AddWebhookEndpoint(Uri url, string secret, string apiVersion) => host.Simulation.AddWebhookEndpoint(url, secret, apiVersion);
    }
}
