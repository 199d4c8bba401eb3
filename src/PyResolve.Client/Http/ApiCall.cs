using System.Diagnostics;

namespace PyResolve.Client;

/// <summary>The telemetry of one call, including its retries: a span and a count. Neither contains a key.</summary>
internal sealed class ApiCall : IDisposable
{
    private readonly string _route;
    private readonly string _method;
    private readonly Activity? _activity;
    private int? _status;
    private string? _error;
    private int _retries;

    public ApiCall(ApiRequest request, Uri apiUrl)
    {
        _route = request.Route;
        _method = request.Method.Method;
        _activity = ClientTelemetry.Activities.StartActivity($"{_method} {_route}", ActivityKind.Client);
        _activity?
            .SetTag("http.request.method", _method)
            .SetTag("url.template", _route);
        SentTo(apiUrl);
    }

    public void SentTo(Uri apiUrl) => _activity?.SetTag("server.address", apiUrl.Host).SetTag("server.port", apiUrl.Port);

    public void Retry()
    {
        _retries++;
        ClientTelemetry.Retries.Add(1, new("http.request.method", _method), new("url.template", _route));
    }

    public void Answered(int status) => _status = status;

    public void Failed(Exception exception)
    {
        _status = (exception as PyResolveException)?.Status ?? _status;
        _error = exception switch
        {
            PyResolveException failure => Redaction.Line(failure.Code),
            OperationCanceledException => "cancelled",
            _ => exception.GetType().Name,
        };
        _activity?.SetStatus(ActivityStatusCode.Error, Redaction.Line(exception.Message));
        if ((exception as PyResolveException)?.RequestId is { } requestId)
            _activity?.SetTag("pyresolve.request_id", Redaction.Line(requestId));
    }

    public void Dispose()
    {
        if (_activity is not null)
        {
            if (_status is { } status)
                _activity.SetTag("http.response.status_code", status);
            if (_error is not null)
                _activity.SetTag("error.type", _error);
            if (_retries > 0)
                _activity.SetTag("http.request.resend_count", _retries);
            _activity.Dispose();
        }

        if (!ClientTelemetry.Requests.Enabled)
            return;
        var tags = new TagList { { "http.request.method", _method }, { "url.template", _route } };
        if (_status is { } answered)
            tags.Add("http.response.status_code", answered);
        if (_error is not null)
            tags.Add("error.type", _error);
        ClientTelemetry.Requests.Add(1, tags);
    }
}
