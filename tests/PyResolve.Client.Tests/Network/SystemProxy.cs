using System.Net;

namespace PyResolve.Client.Tests.Network;

/// <summary>The system's proxy of this process, until it is disposed of.</summary>
internal sealed class SystemProxy : IDisposable
{
    private readonly IWebProxy _before = HttpClient.DefaultProxy;
    private readonly IWebProxy? _olderBefore = WebRequest.DefaultWebProxy;

    public SystemProxy(IWebProxy proxy)
    {
        HttpClient.DefaultProxy = proxy;
        WebRequest.DefaultWebProxy = proxy;
    }

    public void Dispose()
    {
        HttpClient.DefaultProxy = _before;
        WebRequest.DefaultWebProxy = _olderBefore;
    }
}
