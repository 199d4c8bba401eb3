namespace PyResolve.Client;

/// <summary>Takes a client from the container's factory for each request, so that its handlers rotate. While the container is being
/// disposed of, the factory creates no more but usage is still flushed: then it reuses the latest one.</summary>
internal sealed class FactoryClients(IHttpClientFactory factory, string name)
{
    private HttpClient _latest = factory.CreateClient(name);

    public HttpClient Next()
    {
        try
        {
            return _latest = factory.CreateClient(name);
        }
        catch (ObjectDisposedException)
        {
            return _latest;
        }
    }
}
