using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PyResolve.Server.Doctor;

namespace PyResolve.Server.Tests.Doctor;

/// <summary>A proxy that passes on GET requests, with the doctor's header, some of its own, and some that it was sent.</summary>
internal static class Relay
{
    public static WebApplication Create(
        HttpClient server, IReadOnlyList<(string Name, string Value)> headers, params IReadOnlyList<string> passedOn)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapFallback(async http =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(http.Request.Path, UriKind.Relative));
            request.Headers.Accept.ParseAdd("application/json");
            foreach (var (name, value) in headers)
                request.Headers.TryAddWithoutValidation(name, value);
            foreach (var name in passedOn.Prepend(ProxyProbe.Header))
            {
                if (http.Request.Headers[name] is [{ } value])
                    request.Headers.TryAddWithoutValidation(name, value);
            }

            using var answer = await server.SendAsync(request, http.RequestAborted);
            if (answer.Headers.TryGetValues(ProxyProbe.Header, out var seen))
                http.Response.Headers[ProxyProbe.Header] = seen.Single();
            http.Response.StatusCode = (int)answer.StatusCode;
            await http.Response.WriteAsync(await answer.Content.ReadAsStringAsync(http.RequestAborted), http.RequestAborted);
        });
        return app;
    }
}
