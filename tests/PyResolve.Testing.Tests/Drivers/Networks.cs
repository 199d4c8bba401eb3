namespace PyResolve.Testing.Tests.Drivers;

/// <summary>A network that loses the first answers: the server has executed the requests.</summary>
public sealed class LossyNetwork(int lost) : DelegatingHandler
{
    private int _left = lost;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (Interlocked.Decrement(ref _left) < 0)
            return response;
        response.Dispose();
        throw new HttpRequestException("The answer was lost.");
    }
}

/// <summary>A network that fails, before requests arrive or before their answers do.</summary>
public sealed class FailingNetwork : DelegatingHandler
{
    private volatile bool _isAway;
    private volatile bool _isHeard;

    /// <param name="isHeard">Whether requests still reach the server.</param>
    public void TakeAway(bool isHeard) => (_isHeard, _isAway) = (isHeard, true);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (!_isAway)
            return await base.SendAsync(request, cancellationToken);
        // Usage waits for the next process.
        if (_isHeard && !request.RequestUri!.AbsolutePath.StartsWith("/usage", StringComparison.Ordinal))
            (await base.SendAsync(request, cancellationToken)).Dispose();
        throw new HttpRequestException("The network is gone.");
    }
}
