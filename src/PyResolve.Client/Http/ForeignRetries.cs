namespace PyResolve.Client;

/// <summary>Handlers for retries that an application adds to all of its HTTP clients (<c>ConfigureHttpClientDefaults</c>): this client has
/// its own, within its own time limit, and a circuit breaker would hide the server's answers from it.</summary>
internal static class ForeignRetries
{
    private static readonly string[] Assemblies = ["Microsoft.Extensions.Http.Resilience", "Microsoft.Extensions.Http.Polly"];

    public static void RemoveFrom(IList<DelegatingHandler> handlers)
    {
        for (var i = handlers.Count - 1; i >= 0; i--)
        {
            if (Assemblies.Contains(handlers[i].GetType().Assembly.GetName().Name))
                handlers.RemoveAt(i);
        }
    }
}
