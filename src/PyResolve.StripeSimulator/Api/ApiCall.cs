using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api;

/// <param name="State">Locked during the call.</param>
/// <param name="Id">The id in the path; empty where the route has none.</param>
internal sealed record ApiCall(StripeState State, string Id, Form Form, string Version, string BaseUrl)
{
    public T GetByPath<T>(ObjectTable<T> table, string kind)
        where T : StripeObject
        => table.TryGet(Id, out var found) ? found : throw ApiErrorException.Missing(kind, Id);

    public T? FindByParameter<T>(ObjectTable<T> table, string kind, string param)
        where T : StripeObject
        => Form.Text(param) is { } id ? GetByParameter(table, kind, id, param) : null;

    public static T GetByParameter<T>(ObjectTable<T> table, string kind, string id, string param)
        where T : StripeObject
        => table.TryGet(id, out var found) && !found.IsDeleted ? found : throw ApiErrorException.Missing(kind, id, param);
}
