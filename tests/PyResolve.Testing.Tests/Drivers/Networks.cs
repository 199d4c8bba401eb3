namespace PyResolve.Testing.Tests.Drivers;

/// <summary>A network that loses the first answers on their way: the server has done what was asked.</summary>
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
