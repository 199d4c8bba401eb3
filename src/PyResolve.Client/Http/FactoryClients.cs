namespace PyResolve.Client;

/// <summary>
/// A client from the container's factory for each request, so that its handlers rotate. While the container is being disposed of, when the
/// factory makes no more but usage is still to be flushed, it is the latest one.
/// </summary>
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
