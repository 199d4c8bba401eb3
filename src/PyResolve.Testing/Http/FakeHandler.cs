using System.Net;
using System.Net.Http.Headers;

namespace PyResolve.Testing.Http;

internal sealed class FakeHandler(AnswerRequest answerAsync, TimeProvider clock) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var headers = request.Headers.Concat(request.Content?.Headers ?? Enumerable.Empty<KeyValuePair<string, IEnumerable<string>>>())
            .ToDictionary(header => header.Key, header => string.Join(',', header.Value), StringComparer.OrdinalIgnoreCase);
        var content = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        var url = request.RequestUri!;
        var answer = await answerAsync(new(request.Method.Method, url.AbsolutePath, url.Query, headers, content), cancellationToken)
            .ConfigureAwait(false);

        var response = new HttpResponseMessage((HttpStatusCode)answer.Status)
        {
            RequestMessage = request,
            Content = new ByteArrayContent(answer.Body),
        };
        if (answer.ContentType is { } contentType)
            response.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        response.Headers.Date = clock.GetUtcNow();
        foreach (var (name, value) in answer.Headers)
        {
            if (!response.Headers.TryAddWithoutValidation(name, value))
                response.Content.Headers.TryAddWithoutValidation(name, value);
        }

        return response;
    }
}
