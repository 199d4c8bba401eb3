using PyResolve.Server.Hosting;
using PyResolve.Server.Http;

namespace PyResolve.Server;

/// <summary>Logs one line for each request, without its query, which may have the token of an emailed link in it.</summary>
internal sealed partial class RequestLog(RequestDelegate next, TimeProvider time, ILogger<RequestLog> logger)
{
    public static void Use(IApplicationBuilder app)
    {
        if (app.ApplicationServices.GetRequiredService<ServerOptions>().LogsRequests)
            app.UseMiddleware<RequestLog>();
    }

    public async Task InvokeAsync(HttpContext http)
    {
        var startedAt = time.GetTimestamp();
        try
        {
            await next(http);
        }
        finally
        {
            Log.Answered(
                logger,
                HeadRequests.MethodOf(http),
                http.Request.Path.ToUriComponent(),
                http.Response.StatusCode,
                time.GetElapsedTime(startedAt).TotalMilliseconds,
                http.Connection.RemoteIpAddress?.ToString(),
                http.TraceIdentifier);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Method} {Path} {Status} {Milliseconds:0.0} ms from {Address} (request {RequestId})")]
        public static partial void Answered(
            ILogger logger, string method, string path, int status, double milliseconds, string? address, string requestId);
    }
}
