namespace PyResolve.Client.Tests.Drivers;

/// <summary>Clients that cannot reach their server.</summary>
public static class OfflineClient
{
    extension(ScriptedServer server)
    {
        /// <summary>A client without a network.</summary>
        public PyResolveClient ClientWithoutNetwork(Action<PyResolveClientOptions>? configure = null)
        {
            var options = new PyResolveClientOptions
            {
                ApiUrl = server.Url, ApiKey = ScriptedServer.Key, Home = server.Home.Path, ShutdownTimeout = TimeSpan.Zero,
            };
            configure?.Invoke(options);
            return Create(options, TimeProvider.System);
        }

        /// <summary>Reports events, numbered by their changed files, in a client that ends without sending them.</summary>
        public async Task<IReadOnlyList<Guid>> LeaveBehindAsync(int events)
        {
            await using var client = server.ClientWithoutNetwork();
            return [.. Enumerable.Range(0, events)
                .Select(i => client.Usage.Report(new("scan") { FilesChanged = i }).EventId.ShouldNotBeNull())];
        }
    }

    /// <summary>A client without a network.</summary>
    public static PyResolveClient Create(PyResolveClientOptions options, TimeProvider time)
    {
        var http = new HttpClient(new NoNetwork());
        return new(options, () => http, http, time);
    }

    private sealed class NoNetwork : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromException<HttpResponseMessage>(new HttpRequestException("No network."));
    }
}
