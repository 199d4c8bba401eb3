using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api;

/// <summary>A request to the API that has been found well formed.</summary>
/// <param name="World">Locked.</param>
/// <param name="Id">The id in the path; empty where there is none.</param>
/// <param name="Form">The parameters.</param>
/// <param name="Version">The API version in whose shape the answer goes out.</param>
/// <param name="BaseUrl">Where hosted pages are, without a slash at the end.</param>
internal sealed record ApiCall(World World, string Id, Form Form, string Version, string BaseUrl)
{
    public T InPath<T>(ObjectTable<T> table, string kind)
        where T : StripeObject
        => table.TryGet(Id, out var found) ? found : throw StripeException.Missing(kind, Id);

    /// <summary>What a parameter names, if it is there.</summary>
    public T? Named<T>(ObjectTable<T> table, string kind, string param)
        where T : StripeObject
        => Form.Text(param) is { } id ? Known(table, kind, id, param) : null;

    public static T Known<T>(ObjectTable<T> table, string kind, string id, string param)
        where T : StripeObject
        => table.TryGet(id, out var found) && !found.IsDeleted ? found : throw StripeException.Missing(kind, id, param);
}
