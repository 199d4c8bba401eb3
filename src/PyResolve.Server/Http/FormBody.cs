using System.Net.Mime;
using System.Text;
using System.Text.Unicode;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Http;

/// <summary>
/// Reads forms as strictly as <see cref="JsonBody"/> reads JSON; a field given twice is malformed here too (RFC 6749, 3.2).
/// </summary>
internal static class FormBody
{
    /// <summary>Whether the body's type is a form. A file upload is not one.</summary>
    public static bool IsForm(HttpContext http) =>
        MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var media)
        && media.MediaType.Equals(MediaTypeNames.Application.FormUrlEncoded, StringComparison.OrdinalIgnoreCase);

    public static async Task<IFormCollection> ReadAsync(HttpContext http)
    {
        if (!IsForm(http))
            throw new ProblemException(
                Problems.Create(415, ProblemCodes.UnsupportedMediaType, $"Send the body as {MediaTypeNames.Application.FormUrlEncoded}."));
        var bytes = await JsonBody.ReadBytesAsync(http.Request, http.RequestAborted);
        if (!Utf8.IsValid(bytes.Span))
            throw new ProblemException(Problems.Malformed(ProblemTexts.NotUtf8));

        Dictionary<string, StringValues> form;
        try
        {
            form = new FormReader(Encoding.UTF8.GetString(bytes.Span)).ReadForm();
        }
        catch (InvalidDataException exception)
        {
            throw new ProblemException(Problems.Malformed($"The body is not a well-formed form: {exception.Message}"));
        }

        foreach (var (field, values) in form)
        {
            if (values.Count > 1)
                throw new ProblemException(Problems.Malformed($"The form has the field '{field}' more than once."));
        }

        return new FormCollection(form);
    }

    /// <summary>The value of a field. Absent and empty are the same (RFC 6749, 3.1).</summary>
    public static string? Field(this IFormCollection form, string name) => form[name] is [{ Length: > 0 } value] ? value : null;
}
