"""Who asks, in which language to answer, and what their form sent."""

from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from reciprocity.brand import BrandStatement
from reciprocity.http.frame import threaded
from reciprocity.http.speech import choose_language

__all__ = ["AnyRequest", "accepted", "fields", "reader"]

AnyRequest = Request[object, object, State]


def accepted(request: AnyRequest) -> str:
    """The languages that the browser asks for."""
    return request.headers.get("accept-language", "")


async def reader(request: AnyRequest, state: State) -> tuple[BrandStatement, str]:
    """The brand, and the language to speak with whoever asks."""
    brand: BrandStatement = await threaded(state.desk.brand)
    return brand, choose_language(accepted(request), brand.language)


async def fields(request: AnyRequest) -> dict[str, str]:
    """The fields of the form that was sent, the last of each name; 400 for what is no form."""
    try:
        return {str(name): str(value) for name, value in (await request.form()).items()}
    except (ValueError, LookupError) as error:  # no text, or a charset that does not exist
        raise HTTPException(status_code=400) from error
