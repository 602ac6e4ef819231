"""The program ``image_handler``: arithmetic, filters, sizes and mirrors of images, stacks, maps and lists of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np
import scipy.fft

from relionlab.engine.maps import alterations, fsc
from relionlab.errors import ImageError, ParameterError, StarError
from relionlab.io.image_names import format_image_name, parse_image_name
from relionlab.io.images import StackWriter, open_image, read_header, read_stack, write_image, write_map, write_stack
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.maps.image_operations import Operations
from relionlab.jobs.maps.image_options import ImageOptions
from relionlab.jobs.maps.postprocess_files import shell_columns
from relionlab.jobs.star.list_file import StarList, read_list

_IMAGE_LABELS = ("rlnImageName", "rlnMicrographName", "rlnMicrographMovieName", "rlnReferenceImage")
_OTHERS = (
    "multiply", "divide", "add", "subtract", "adjust_power", "fourier_filter", "mask_optimise_subtract", "correct_avg_ampl",
)  # fmt: skip
_COLOURS = ("colour_fire", "colour_ice", "colour_fire_n_ice", "colour_rainbow", "colour_difference")
_AT_ONCE = 64


class ImageHandler(Program, ImageOptions):
    """Calculate with images, stacks and maps: arithmetic, filters, sizes, mirrors, statistics."""

    name: ClassVar[str] = "image_handler"
    title: ClassVar[str] = "Images and maps"

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        arithmetic = [
            str(self.parameters()[name].flag)
            for name in (
                "multiply_constant", "divide_constant", "add_constant", "subtract_constant", "threshold_above",
                "threshold_below", "multiply", "divide", "add", "subtract",
            )
            if getattr(self, name) != self.default(name)
        ]  # fmt: skip
        if len(arithmetic) > 1:
            found.append(
                f"{' and '.join(arithmetic)} are given together, of which RELION would do one alone: call image_handler once"
                " for each."
            )
        if self.divide_constant == 0:
            found.append("--divide_constant is 0: nothing can be divided by it.")
        if self.avg_ampl2_ali:
            found.append("--avg_ampl2_ali is not done here: align the images (Class2D) and use --avg_ampl.")
        if any(getattr(self, name) for name in _COLOURS):
            found.append("Coloured PNG files are not written: leave the --colour_… flags away for a grey one.")
        return found

    def run(self, context: Context) -> None:
        """Do the work."""
        self.check()
        if self.i.endswith(".star"):
            self._run_list(context)
        else:
            self._run_file(context, self.i, self.o)

    # --- one file ----------------------------------------------------------------------------------------------

    def _run_file(self, context: Context, name: str, output: str) -> None:
        operations = self._operations(context, name)
        if self._told(context, [name], operations):
            return
        if not output:
            raise ParameterError("--o is empty: name the output file.")
        if self._summed(context, [name], output, operations):
            return
        index, file = parse_image_name(name)
        header = read_header(context.path(file))
        context.path(output).parent.mkdir(parents=True, exist_ok=True)
        if header.is_stack and index is None:
            self._write_stack(context, file, output, operations)
        else:
            image = operations(self._single(context, name))
            self._write(context.path(output), image, operations.final_pixel_size(header.shape[-1]))
        for line in operations.said:
            context.say(line)

    def _write_stack(self, context: Context, file: str, output: str, operations: Operations) -> None:
        header = read_header(context.path(file))
        first = operations(read_stack(context.path(file), [0])[0])
        size = operations.final_pixel_size(header.shape[-1])
        with StackWriter(context.path(output), header.count, first.shape, size) as writer:
            writer.append(first)
            for start in range(1, header.count, _AT_ONCE):
                context.stop_if_asked()
                for image in read_stack(context.path(file), range(start, min(start + _AT_ONCE, header.count))):
                    writer.append(operations(image))
                context.progress(min(start + _AT_ONCE, header.count), header.count, "images")

    def _write(self, path: Path, image: np.ndarray, pixel_size: float) -> None:
        if path.suffix.lower() == ".png":
            self._write_png(path, image)
        elif image.ndim == 3:
            write_map(path, image, pixel_size=pixel_size)
        else:
            write_image(path, image, pixel_size=pixel_size)

    def _write_png(self, path: Path, image: np.ndarray) -> None:
        from PIL import Image

        if image.ndim != 2:
            raise ImageError(f"{path} is to be a PNG file, but the input is a map: draw a section of it as a 2D image.")
        low, high = self.black, self.white
        if self.sigma_contrast > 0:
            spread = self.sigma_contrast * float(image.std())
            low, high = float(image.mean()) - spread, float(image.mean()) + spread
        elif low == high:
            low, high = float(image.min()), float(image.max())
        grey = np.clip((image - low) / ((high - low) or 1), 0, 1) * 255
        Image.fromarray(grey.astype(np.uint8)).save(path)

    def _single(self, context: Context, name: str) -> np.ndarray:
        index, file = parse_image_name(name)
        opened = open_image(context.path(file))
        frames = read_stack(context.path(file), None if index is None else [index])
        return frames[0] if index is not None or opened.frames == 1 else frames

    def _operations(self, context: Context, name: str) -> Operations:
        header = read_header(context.path(parse_image_name(name)[1]))
        others = {flag: self._other(context, flag) for flag in _OTHERS if getattr(self, flag)}
        return Operations(self, self.angpix or header.pixel_size, others)

    def _other(self, context: Context, flag: str) -> np.ndarray:
        return self._single(context, getattr(self, flag))

    # --- lists -------------------------------------------------------------------------------------------------

    def _run_list(self, context: Context) -> None:
        listed = read_list(context.path(self.i))
        label = next((known for known in _IMAGE_LABELS if known in listed.rows), None)
        if label is None:
            raise StarError(f"{self.i} has none of the columns {', '.join(_IMAGE_LABELS)}: it names no images.")
        names = [str(name) for name in listed.rows[label]]
        if not names:
            raise StarError(f"{self.i} names no images.")
        operations = self._operations(context, names[0])
        if self._told(context, names, operations):
            return
        if not self.o:
            raise ParameterError("--o is empty: for a list give the word that goes into the images' names.")
        if self._summed(context, names, self.o, operations):
            return
        new_names = self._run_files(context, names)
        self._write_list(context, listed, label, new_names)

    def _run_files(self, context: Context, names: list[str]) -> list[str]:
        """Alter each image of a list, stack by stack; return the new names, numbered as in the list."""
        by_file: dict[str, list[int]] = {}
        for row, name in enumerate(names):
            by_file.setdefault(parse_image_name(name)[1], []).append(row)
        new_names = list(names)
        for done, (file, rows) in enumerate(by_file.items(), 1):
            context.stop_if_asked()
            output = _inserted(file, self.o)
            indices = [parse_image_name(names[row])[0] for row in rows]
            if indices[0] is None:
                if self.average_all_movie_frames:
                    self._mean(context, [file], output.removesuffix(".mrcs").removesuffix(".mrc") + ".mrc")
                else:
                    self._run_file(context, file, output)
                new_names[rows[0]] = output
            else:
                operations = self._operations(context, names[rows[0]])
                images = read_stack(context.path(file), [index or 0 for index in indices])
                altered = np.stack([operations(image) for image in images])
                size = operations.final_pixel_size(images.shape[-1])
                write_stack(context.path(output), altered, pixel_size=size)
                for number, row in enumerate(rows):
                    new_names[row] = format_image_name(number, output)
            context.progress(done, len(by_file), "files")
        return new_names

    def _write_list(self, context: Context, listed: StarList, label: str, names: list[str]) -> None:
        output = _inserted(self.i, self.o)
        rows = listed.rows.with_columns(**{label: names})
        listed.with_rows(rows).write(context.path(output))
        context.say(f" Written out new STAR file: {output}")
        if self.rescale_angpix > 0 or self.new_box > 0 or self.force_header_angpix > 0:
            context.warn(
                f"{output} keeps the optics table of {self.i}: its pixel and image sizes (rlnImagePixelSize, rlnImageSize)"
                " have to be set with star_handler or optics_groups."
            )

    # --- what is printed or summed -----------------------------------------------------------------------------

    def _told(self, context: Context, names: list[str], operations: Operations) -> bool:
        """Print what is to be printed; say whether that was all."""
        if self.fsc:
            self._print_fsc(context, names[0], operations)
        elif self.stats or self.com or self.power:
            for name, image in self._each(context, names):
                if self.stats:
                    self._print_statistics(context, name, image)
                if self.com:
                    centre = alterations.centre_of_mass(image)[::-1]
                    where = " ".join(f"{axis} {value:g}" for axis, value in zip("xyz", centre, strict=False))
                    context.say(f"{name} : center of mass (relative to XmippOrigin) {where}")
                if self.power:
                    self._print_power(context, image, operations)
        else:
            return False
        return not self.o

    def _print_statistics(self, context: Context, name: str, image: np.ndarray) -> None:
        sides = " x ".join(str(n) for n in (*image.shape[::-1], 1)[:3])
        values = image.astype(np.float64)
        size = self.angpix or read_header(context.path(parse_image_name(name)[1])).pixel_size or 1.0
        context.say(
            f"{name} : (x,y,z,n)= {sides} x 1 ; avg= {values.mean():g} stddev= {values.std():g} minval= {values.min():g}"
            f" maxval= {values.max():g}; angpix = {size:g}"
        )

    def _print_fsc(self, context: Context, name: str, operations: Operations) -> None:
        first, second = (self._single(context, one) for one in (name, self.fsc))
        if first.shape != second.shape or first.ndim != 3 or len(set(first.shape)) != 1:
            raise ImageError(
                f"--fsc compares cubic maps of one size; {name} is {first.shape}, {self.fsc} {second.shape}."
            )
        curve = fsc.fourier_shell_correlation(fsc.transform(first), fsc.transform(second), len(first))
        self._print_shells(
            context, "fsc", "rlnFourierShellCorrelation", curve, side=len(first), size=operations.pixel_size
        )

    def _print_power(self, context: Context, image: np.ndarray, operations: Operations) -> None:
        side = image.shape[-1]
        spectrum = alterations.power_spectrum(image)[: side // 2 + 1]
        self._print_shells(
            context, "power", "rlnLogAmplitudesOriginal", spectrum, side=side, size=operations.pixel_size
        )

    def _print_shells(
        self, context: Context, table: str, label: str, values: np.ndarray, *, side: int, size: float
    ) -> None:
        columns = shell_columns(side, size)
        lines = ["", "# version 30001", "", f"data_{table}", "", "loop_ "]
        lines += [f"_{name} #{number}" for number, name in enumerate([*columns, label], 1)]
        rows = zip(*columns.values(), values, strict=True)
        lines += [f"{index:12d} {x:12.6f} {y:12.6f} {value:12.6g} " for index, x, y, value in rows]
        context.say("\n".join([*lines, ""]))

    def _summed(self, context: Context, names: list[str], output: str, operations: Operations) -> bool:
        """Write the one result of all images if that is asked for; say whether it was."""
        if self.average_all_movie_frames and not self.i.endswith(".star"):
            raise ParameterError("--average_all_movie_frames is for a list of movies (.star).")
        if self.average:
            self._mean(context, names, output)
        elif self.avg_ampl or self.avg_ampl2:
            images = [np.abs(scipy.fft.rfftn(image, norm="forward")) for _, image in self._each(context, names)]
            mean = np.asarray(np.mean(images, axis=0), np.float32)
            write_image(context.path(output), mean, pixel_size=operations.final_pixel_size(mean.shape[0]))
        elif self.avg_bin > 0 or self.avg_first > 0 or self.avg_last > 0:
            self._frames(context, names[0], output, operations)
        else:
            return False
        context.say(f" Written out: {output}")
        return True

    def _mean(self, context: Context, names: list[str], output: str) -> None:
        total, count = None, 0
        for _, image in self._each(context, names):
            total = image.astype(np.float64) if total is None else total + image
            count += 1
        if total is None:
            raise ImageError(f"{self.i} holds no images.")
        size = self.angpix or read_header(context.path(parse_image_name(names[0])[1])).pixel_size or 1.0
        self._write(context.path(output), (total / count).astype(np.float32), size)

    def _frames(self, context: Context, name: str, output: str, operations: Operations) -> None:
        """Sum every so many frames, as RELION does, or average a range of them."""
        count = read_header(context.path(name)).count
        first = max(self.avg_first, 1) - 1
        last = min(self.avg_last if self.avg_last > 0 else count, count)
        if first >= last:
            raise ParameterError(
                f"--avg_first {first + 1} and --avg_last {last} leave none of the {count} frames of {name}."
            )
        frames = read_stack(context.path(name), range(first, last))
        size = operations.final_pixel_size(frames.shape[-1])
        if self.avg_bin > 0:
            groups = len(frames) // self.avg_bin
            summed = frames[: groups * self.avg_bin].reshape(groups, self.avg_bin, *frames.shape[1:]).sum(axis=1)
            write_stack(context.path(output), summed, pixel_size=size)
        else:
            self._write(context.path(output), frames.mean(axis=0), size)

    def _each(self, context: Context, names: list[str]) -> Iterator[tuple[str, np.ndarray]]:
        """Yield name and pixels of every image: the images of stacks one by one, maps whole."""
        for name in names:
            index, file = parse_image_name(name)
            header = read_header(context.path(file))
            if index is None and header.is_stack and header.count > 1:
                for number in range(header.count):
                    yield format_image_name(number, file), read_stack(context.path(file), [number])[0]
            else:
                yield name, self._single(context, name)


def _inserted(name: str, word: str) -> str:
    """Return a file's name with a word before its ending: s_new.mrcs."""
    place = PurePosixPath(name)
    return str(place.with_name(f"{place.stem}_{word}{place.suffix}"))
