namespace PyResolve.Client;

/// <summary>A client from the factory for each request, so that handlers rotate. A disposed container creates none; usage is still
/// flushed then, with the latest client.</summary>
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
